import { RayflightError } from "../error.js";
import type { Pin } from "../store/index.js";
import type { Catalog } from "./catalog.js";
import type { DatasetInfo, Lease, LoadedBatch, LoadedDataset, StoredBatch } from "./dataset.js";
import type { Version } from "./version.js";

/** Holds one version, and what it had when the lease was taken. */
export class VersionLease implements Lease {
  readonly info: DatasetInfo;
  readonly #catalog: Catalog;
  readonly #version: Version;
  readonly #pins: Pin[] = [];
  #released = false;

  constructor(catalog: Catalog, version: Version) {
    this.#catalog = catalog;
    this.#version = version;
    this.info = version.info;
    catalog.hold(version);
  }

  async *read(part: number, options: { messages?: number } = {}): AsyncGenerator<StoredBatch, void> {
    const stored = this.#version.parts[part];
    const known = this.info.parts[part]?.messages;
    if (stored === undefined || known === undefined) {
      throw new RayflightError(
        "NOT_FOUND",
        `"${this.info.name}" has ${this.info.parts.length} parts, and no part ${part}.`,
        {
          hint: "Plan the read again.",
        },
      );
    }
    const end = Math.min(known, options.messages ?? known);
    for (let index = 0; index < end; index++) {
      this.#requireHeld();
      const message = await stored.at(index);
      if (message !== undefined) yield message;
    }
  }

  async load(): Promise<LoadedDataset> {
    this.#requireHeld();
    const segments: SharedArrayBuffer[] = [];
    const parts: LoadedBatch[][] = [];
    for (const [index, part] of this.#version.parts.entries()) {
      const pin = await part.pin();
      this.#pins.push(pin);
      if (this.#released) this.#unpin();
      this.#requireHeld();
      parts.push(part.places(this.info.parts[index]!.messages, segments.length));
      segments.push(...pin.segments);
    }
    return { segments, parts };
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#unpin();
    this.#catalog.letGo(this.#version);
  }

  #unpin(): void {
    for (const pin of this.#pins.splice(0)) pin.release();
  }

  #requireHeld(): void {
    if (!this.#released) return;
    throw new RayflightError("OBJECT_FREED", `"${this.info.name}" was closed while it was read.`, {
      hint: "Close it after the last read.",
    });
  }
}
