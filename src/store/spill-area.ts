import { crc32 } from "node:zlib";
import { Extents } from "./extents.js";
import type { SpillCodec } from "./spill-codec.js";
import { lost, SpillFile } from "./spill-file.js";

/** Where and how bytes lie on disk. */
export interface SpillCopy {
  readonly position: number;
  /** Bytes that it takes on disk. */
  readonly stored: number;
  /** Whether these are compressed. */
  readonly packed: boolean;
  /** CRC-32 of what is on disk. */
  readonly checksum: number;
}

/** What an area writes to. */
export type SpillStorage = Pick<SpillFile, "write" | "read" | "truncate" | "close">;

export interface SpillOptions {
  readonly directory: string;
  readonly codec: SpillCodec | undefined;
  /** Makes the place that is written to: a file without a name in the directory, where this is absent. */
  readonly openFile?: (() => SpillStorage) | undefined;
}

/** Space in one spill file, which is made at the first use; what is given back is used again. */
export class SpillArea {
  readonly #options: SpillOptions;
  readonly #extents = new Extents();
  #file: SpillStorage | undefined;
  #closed = false;

  constructor(options: SpillOptions) {
    this.#options = options;
  }

  /** Copies `bytes` to disk, compressed where that makes them smaller. Throws OUT_OF_DISK. */
  async write(bytes: Uint8Array): Promise<SpillCopy> {
    const { codec, directory, openFile } = this.#options;
    this.#file ??= openFile === undefined ? new SpillFile(directory) : openFile();
    const compressed = await codec?.compress(bytes);
    const packed = compressed !== undefined && compressed.length < bytes.length;
    const stored = packed ? compressed : bytes;
    const position = this.#extents.take(stored.length);
    try {
      await this.#file.write(stored, position);
    } catch (reason) {
      this.#give(position, stored.length);
      throw reason;
    }
    return { position, stored: stored.length, packed, checksum: crc32(stored) };
  }

  /** Fills `target` with all that was copied. Throws OBJECT_LOST when the bytes are not what they were. */
  async read({ position, stored, packed, checksum }: SpillCopy, target: Uint8Array): Promise<void> {
    const bytes = packed ? new Uint8Array(stored) : target;
    await this.#file!.read(bytes, position);
    if (crc32(bytes) !== checksum) throw lost("their checksum is another one");
    if (packed) target.set(await this.#options.codec!.decompress(bytes));
  }

  /** Reads `target.length` bytes from `offset` on of what is not compressed. They are not checked. */
  async readPart({ position }: SpillCopy, offset: number, target: Uint8Array): Promise<void> {
    await this.#file!.read(target, position + offset);
  }

  free({ position, stored }: SpillCopy): void {
    this.#give(position, stored);
  }

  /** Gives all space back, once reads in progress are done. */
  close(): void {
    this.#closed = true;
    this.#file?.close();
  }

  #give(position: number, length: number): void {
    if (this.#closed) return;
    const { end } = this.#extents;
    this.#extents.give(position, length);
    if (this.#extents.end < end) this.#file!.truncate(this.#extents.end);
  }
}
