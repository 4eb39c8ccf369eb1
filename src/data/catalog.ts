import type { ControlStore, DatasetRow } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { DatasetState } from "./dataset.js";
import type { Part } from "./part.js";
import { Version } from "./version.js";

interface Entry {
  readonly createdAt: number;
  current: Version;
  /** The current version, and older ones that somebody still reads. */
  readonly versions: Map<number, Version>;
}

/** Which versions of which datasets exist. A version is freed when it is no longer current and nobody holds it. */
export class Catalog {
  readonly #control: ControlStore;
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  /** Kept when a dataset is removed, so that no ticket ever means another dataset of the same name. */
  readonly #lastNumbers = new Map<string, number>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(control: ControlStore, now: () => number) {
    this.#control = control;
    this.#now = now;
  }

  /** The current version, if there is one. */
  current(name: string): Version | undefined {
    return this.#entries.get(name)?.current;
  }

  all(): Version[] {
    return Array.from(this.#entries.values(), ({ current }) => current);
  }

  /** The current version, or the numbered one. Throws NOT_FOUND. */
  find(name: string, number?: number): Version {
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      throw new RayflightError("NOT_FOUND", `There is no dataset "${name}".`, {
        hint: "Check its name, or write it first.",
      });
    }
    const version = number === undefined ? entry.current : entry.versions.get(number);
    if (version === undefined) {
      const hint = `Open the current version, ${entry.current.number}.`;
      throw new RayflightError("NOT_FOUND", `Version ${number} of "${name}" is not kept any more.`, { hint });
    }
    return version;
  }

  /** Makes a new version current, in one step; takes over one share of each part. */
  publish(name: string, schema: Uint8Array, parts: readonly Part[], state: DatasetState): Version {
    const number = (this.#lastNumbers.get(name) ?? 0) + 1;
    this.#lastNumbers.set(name, number);
    const version = new Version(name, number, schema, parts, state);
    const entry = this.#entries.get(name);
    if (entry === undefined) {
      this.#entries.set(name, { createdAt: this.#now(), current: version, versions: new Map([[number, version]]) });
    } else {
      const previous = entry.current;
      entry.current = version;
      entry.versions.set(number, version);
      this.retire(previous);
    }
    this.record(version);
    for (const wake of this.#waiting.get(name) ?? []) wake();
    return version;
  }

  /** Forgets a dataset; versions that somebody reads live until then. */
  remove(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    for (const version of entry.versions.values()) {
      version.reservedUntil = 0;
      this.retire(version);
    }
    this.#control.delete("datasets", [name]).catch(() => {});
    return true;
  }

  hold(version: Version): void {
    version.leases += 1;
  }

  letGo(version: Version): void {
    version.leases -= 1;
    this.retire(version);
  }

  /** Frees a version if nothing needs it. */
  retire(version: Version): void {
    const entry = this.#entries.get(version.name);
    if (entry?.current === version || version.leases > 0 || version.reservedUntil > this.#now()) return;
    if (entry?.versions.get(version.number) === version) entry.versions.delete(version.number);
    version.retire();
  }

  /** Frees versions whose reservation has passed. */
  sweep(): void {
    for (const entry of this.#entries.values()) {
      for (const version of entry.versions.values()) this.retire(version);
    }
  }

  /** Resolves when `name` has a version; rejects when `signal` aborts. */
  async waitFor(name: string, signal: AbortSignal | undefined): Promise<Version> {
    for (let version = this.current(name); ; version = this.current(name)) {
      if (signal?.aborted) throw RayflightError.from(signal.reason, "CANCELLED");
      if (version !== undefined) return version;
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const waiting = this.#waiting.get(name) ?? new Set();
      this.#waiting.set(name, waiting.add(wake));
      signal?.addEventListener("abort", wake);
      await woken;
      signal?.removeEventListener("abort", wake);
      waiting.delete(wake);
      if (waiting.size === 0) this.#waiting.delete(name);
    }
  }

  /** Writes the dataset's row, if `version` is still the current one. */
  record(version: Version): void {
    const entry = this.#entries.get(version.name);
    if (entry?.current !== version) return;
    const { name, version: number, state, rows, bytes, parts, error } = version.info;
    const row: DatasetRow = {
      id: name,
      version: number,
      state,
      rows,
      bytes,
      parts: parts.length,
      createdAt: entry.createdAt,
      updatedAt: this.#now(),
      error: error?.message ?? null,
    };
    // Bookkeeping for people: a control store that is down must not fail a write of data.
    this.#control.put("datasets", [row]).catch(() => {});
  }
}
