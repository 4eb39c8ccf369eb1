import type { Arena, Pin, Region } from "../store/index.js";
import type { LoadedBatch, PartInfo, StoredBatch } from "./dataset.js";

interface StoredMessage {
  readonly kind: StoredBatch["kind"];
  readonly rows: number;
  readonly header: Uint8Array;
  readonly region: Region;
}

/**
 * The messages of one part in order, their bodies in one arena. Versions of a dataset share parts: the arena is released
 * with the last of them.
 */
export class Part {
  readonly schema: Uint8Array;
  readonly arena: Arena;
  readonly #messages: StoredMessage[] = [];
  #rows = 0;
  #bytes = 0;
  #owners = 1;

  constructor(schema: Uint8Array, arena: Arena) {
    this.schema = schema;
    this.arena = arena;
  }

  get rows(): number {
    return this.#rows;
  }

  /** A plain copy of what is known now. */
  get info(): PartInfo {
    return { rows: this.#rows, bytes: this.#bytes, messages: this.#messages.length };
  }

  /** Adds a message whose body is a region of the arena; the header is copied. */
  add(kind: StoredBatch["kind"], rows: number, header: Uint8Array, region: Region): void {
    this.#messages.push({ kind, rows, header: new Uint8Array(header), region });
    this.#rows += rows;
    this.#bytes += header.length + region.length;
  }

  /** The message at `index`, its body in place or from disk; undefined behind the last one. */
  async at(index: number): Promise<StoredBatch | undefined> {
    const message = this.#messages[index];
    if (message === undefined) return undefined;
    const { kind, rows, header, region } = message;
    return { kind, rows, header, body: await this.arena.read(region) };
  }

  /** Where the first `count` messages lie once the arena is pinned; `firstSegment` is added to their segments. */
  places(count: number, firstSegment: number): LoadedBatch[] {
    return this.#messages.slice(0, count).map(({ kind, rows, header, region }) => {
      return { kind, rows, header, ...region, segment: firstSegment + region.segment };
    });
  }

  pin(): Promise<Pin> {
    return this.arena.pin();
  }

  retain(): void {
    this.#owners += 1;
  }

  release(): void {
    this.#owners -= 1;
    if (this.#owners === 0) this.arena.release({ reusable: true });
  }
}
