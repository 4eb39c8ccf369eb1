import type { DecodeBudget } from "./decode-budget.js";
import { malformed } from "./flatbuffer.js";
import { decodeLz4Frame } from "./lz4-frame.js";
import type { BatchShape, BufferRegion } from "./read-message.js";
import { decodeZstd } from "./zstd.js";

const codecs = { lz4: decodeLz4Frame, zstd: decodeZstd };
/** No LZ4 byte stands for more than 255 bytes. */
const steepestLz4 = 255;

/**
 * Returns a compressed batch as it would be uncompressed: the same shape over a new body. Each buffer begins with its decoded
 * length, which is all that is allocated and decoded; a batch whose lengths add up to more than `budget` is refused with
 * RESOURCE_EXHAUSTED before anything is. Throws INVALID_ARGUMENT for buffers that are not what they say.
 */
export function decompress(
  shape: BatchShape,
  body: Uint8Array,
  budget: DecodeBudget,
): { shape: BatchShape; body: Uint8Array } {
  const { compression } = shape;
  if (compression === undefined) return { shape, body };
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const buffers: BufferRegion[] = [];
  let end = 0;
  for (const { offset, length } of shape.buffers) {
    const decoded = decodedLength(view, offset, length, compression);
    buffers.push({ offset: end, length: decoded });
    budget.take(decoded);
    end += decoded + (-decoded & 63);
  }
  const decoded = new Uint8Array(end);
  for (const [index, { offset, length }] of shape.buffers.entries()) {
    if (length === 0) continue;
    const target = buffers[index]!;
    const into = decoded.subarray(target.offset, target.offset + target.length);
    const content = body.subarray(offset + 8, offset + length);
    if (view.getBigInt64(offset, true) === -1n) into.set(content);
    else if (content.byteLength > 0 || into.byteLength > 0) codecs[compression](content, into);
  }
  return { shape: { ...shape, buffers, bodyLength: end, compression: undefined }, body: decoded };
}

function decodedLength(view: DataView, offset: number, length: number, codec: "lz4" | "zstd"): number {
  if (length === 0) return 0;
  if (length < 8) throw malformed(`has a compressed buffer of ${length} bytes, too few for its length`);
  const declared = view.getBigInt64(offset, true);
  if (declared === -1n) return length - 8;
  if (declared < 0n) throw malformed(`has a compressed buffer of ${declared} bytes`);
  if (codec === "lz4" && declared > BigInt(steepestLz4 * length)) {
    throw malformed(`has an LZ4 buffer of ${length} bytes that claims to hold ${declared}`);
  }
  return declared > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(declared);
}
