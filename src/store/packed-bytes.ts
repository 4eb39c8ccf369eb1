import { types } from "node:util";
import { RayflightError } from "../error.js";
import { formatSize, largest, roundUp } from "./size.js";
import { tableStreams } from "./tabular.js";
import type { ValueCodec } from "./value.js";

/** Typed arrays of one value above this many bytes go to shared memory; below, they are copied along with the message. */
export const inlineLimit = 64 * 1024;

/** What the first word of a packed value says. */
export const format = {
  /** A head, and typed arrays behind it. */
  headed: 1,
  /** One typed array, ArrayBuffer or table and nothing else: the second word says of which type, and no serializer is needed. */
  bare: 2,
} as const;
/** Where a head begins, behind two words. */
export const headStart = 8;
/** Where what is read in place begins: at a multiple of this. */
export const alignment = 64;
/** The next such place. */
export const align = (offset: number) => roundUp(offset, alignment);

/** Memory for a packed value with so many bytes of content. Throws INVALID_ARGUMENT when one typed array cannot cover it. */
export function makeBytes(size: number, content: number, codec: ValueCodec, label: string): Uint8Array {
  if (size > largest) {
    throw new RayflightError("INVALID_ARGUMENT", `${label} takes ${formatSize(size)}.`, {
      hint: `One value may take ${formatSize(largest)}: make several of it.`,
    });
  }
  const buffer =
    content > inlineLimit ? (codec.allocate?.(size) ?? new SharedArrayBuffer(align(size))) : new ArrayBuffer(size);
  return new Uint8Array(buffer, 0, size);
}

/** Writes pieces one after the other. */
export function writePieces(bytes: Uint8Array, start: number, pieces: readonly Uint8Array[]): void {
  let at = start;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
}

/** A part of a packed value for its reader: a view where the memory is shared, else a copy. */
export function readable(bytes: Uint8Array, start: number, length: number): Uint8Array {
  const from = bytes.byteOffset + start;
  if (types.isSharedArrayBuffer(bytes.buffer)) return new Uint8Array(bytes.buffer, from, length);
  return new Uint8Array(bytes.buffer.slice(from, from + length));
}

/** A table over bytes of its stream. */
export function openTabular(bytes: Uint8Array, isBatch: boolean): object {
  return isBatch ? tableStreams().openBatch(bytes) : tableStreams().openTable(bytes);
}

/** Whether a view is of shared memory that is not the store's: it travels by reference. */
export function isForeign(view: NodeJS.ArrayBufferView, codec: ValueCodec): boolean {
  return types.isSharedArrayBuffer(view.buffer) && !codec.isStored?.(view.buffer);
}

/** Writes the two words that a packed value begins with. */
export function writeHeader(bytes: Uint8Array, first: number, second: number): void {
  const header = new DataView(bytes.buffer, bytes.byteOffset, headStart);
  header.setUint32(0, first, true);
  header.setUint32(4, second, true);
}

/** The word of a packed value's header that begins at `at`: its format at 0, the other one at 4. */
export function headerWord(bytes: Uint8Array, at: 0 | 4): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}
