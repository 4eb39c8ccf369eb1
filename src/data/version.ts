import type { RayflightError } from "../error.js";
import type { DatasetInfo, DatasetState } from "./dataset.js";
import type { Part } from "./part.js";

/** One version of a dataset. It owns a share of its parts until it is retired. */
export class Version {
  readonly name: string;
  readonly number: number;
  readonly schema: Uint8Array;
  readonly parts: readonly Part[];
  state: DatasetState;
  error: RayflightError | undefined;
  /** Who reads it; and until when it is kept for somebody who is about to. */
  leases = 0;
  reservedUntil = 0;
  #retired = false;
  readonly #waiting = new Set<() => void>();

  constructor(name: string, number: number, schema: Uint8Array, parts: readonly Part[], state: DatasetState) {
    this.name = name;
    this.number = number;
    this.schema = schema;
    this.parts = parts;
    this.state = state;
  }

  get info(): DatasetInfo {
    const parts = this.parts.map((part) => part.info);
    return {
      name: this.name,
      version: this.number,
      state: this.state,
      schema: this.schema,
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
      parts,
      ...(this.error && { error: this.error.toRecord() }),
    };
  }

  /** Gives its share of the parts back. May be called twice. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    for (const part of this.parts) part.release();
  }

  /** Wakes everybody who waits for this stream to grow or end. */
  changed(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Resolves at the next change, or when `signal` aborts. */
  async change(signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return;
    let wake = () => {};
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#waiting.add(wake);
    signal?.addEventListener("abort", wake);
    await woken;
    signal?.removeEventListener("abort", wake);
    this.#waiting.delete(wake);
  }
}
