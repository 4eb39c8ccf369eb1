import { malformed } from "./flatbuffer.js";
import { xxhash32 } from "./xxhash32.js";

const magic = 0x184d2204;
const rawBlock = 0x80000000;

/**
 * Decodes one LZ4 frame into `into`, which it must fill exactly; checksums that the frame carries are checked. Nothing is
 * written beyond `into`, whatever the bytes say, and the work is bounded by the two lengths. Throws INVALID_ARGUMENT.
 */
export function decodeLz4Frame(bytes: Uint8Array, into: Uint8Array): void {
  const frame = readDescriptor(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let { at } = frame;
  let filled = 0;
  for (;;) {
    if (at + 4 > bytes.byteLength) throw broken();
    const size = view.getUint32(at, true);
    at += 4;
    if (size === 0) break;
    const length = size % rawBlock;
    const end = at + length;
    if (length > frame.blockSize || end + (frame.blockChecksums ? 4 : 0) > bytes.byteLength) throw broken();
    const limit = Math.min(into.byteLength, filled + frame.blockSize);
    const earliest = frame.independent ? filled : 0;
    if (size >= rawBlock) {
      if (filled + length > limit) throw broken();
      into.set(bytes.subarray(at, end), filled);
      filled += length;
    } else filled = decodeBlock(bytes, at, end, into, filled, limit, earliest);
    if (frame.blockChecksums && view.getUint32(end, true) !== xxhash32(bytes.subarray(at, end))) throw broken();
    at = end + (frame.blockChecksums ? 4 : 0);
  }
  if (filled !== into.byteLength) throw broken();
  if (frame.contentSize !== undefined && frame.contentSize !== BigInt(filled)) throw broken();
  if (frame.contentChecksum) {
    if (at + 4 > bytes.byteLength || view.getUint32(at, true) !== xxhash32(into)) throw broken();
    at += 4;
  }
  if (at !== bytes.byteLength) throw broken();
}

interface Descriptor {
  at: number;
  blockSize: number;
  independent: boolean;
  blockChecksums: boolean;
  contentChecksum: boolean;
  contentSize: bigint | undefined;
}

function readDescriptor(bytes: Uint8Array): Descriptor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 7 || view.getUint32(0, true) !== magic) throw broken();
  const flags = bytes[4]!;
  const block = bytes[5]!;
  const sized = (flags & 8) !== 0;
  // Version 1; the reserved bit and dictionaries, which Arrow has not, are refused.
  if (flags >> 6 !== 1 || (flags & 3) !== 0 || (block & 0x8f) !== 0 || block >> 4 < 4) throw broken();
  const checksumAt = sized ? 14 : 6;
  if (checksumAt >= bytes.byteLength) throw broken();
  if (bytes[checksumAt] !== ((xxhash32(bytes.subarray(4, checksumAt)) >>> 8) & 0xff)) throw broken();
  return {
    at: checksumAt + 1,
    blockSize: 1 << (8 + 2 * (block >> 4)),
    independent: (flags & 0x20) !== 0,
    blockChecksums: (flags & 0x10) !== 0,
    contentChecksum: (flags & 4) !== 0,
    contentSize: sized ? view.getBigUint64(6, true) : undefined,
  };
}

/** Decodes the block in `bytes` from `at` to `end` into `into` from `filled` on; returns how far it came. */
function decodeBlock(
  bytes: Uint8Array,
  at: number,
  end: number,
  into: Uint8Array,
  filled: number,
  limit: number,
  earliest: number,
): number {
  let from = at;
  let to = filled;
  for (;;) {
    if (from >= end) throw broken();
    const token = bytes[from++]!;
    let literals = token >> 4;
    if (literals === 15) {
      for (let more = 255; more === 255; literals += more) {
        if (from >= end) throw broken();
        more = bytes[from++]!;
      }
    }
    if (from + literals > end || to + literals > limit) throw broken();
    if (literals > 32) into.set(bytes.subarray(from, from + literals), to);
    else for (let i = 0; i < literals; i++) into[to + i] = bytes[from + i]!;
    from += literals;
    to += literals;
    if (from === end) return to;
    if (from + 2 > end) throw broken();
    const distance = bytes[from]! | (bytes[from + 1]! << 8);
    from += 2;
    let length = (token & 15) + 4;
    if (length === 19) {
      for (let more = 255; more === 255; length += more) {
        if (from >= end) throw broken();
        more = bytes[from++]!;
      }
    }
    if (distance === 0 || to - distance < earliest || to + length > limit) throw broken();
    if (distance >= length && length > 32) into.copyWithin(to, to - distance, to - distance + length);
    else for (let i = 0; i < length; i++) into[to + i] = into[to - distance + i]!;
    to += length;
  }
}

function broken(): Error {
  return malformed("has a buffer whose LZ4 frame is broken or is not as long as it says");
}
