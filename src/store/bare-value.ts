import { types } from "node:util";
import {
  alignment,
  format,
  headStart,
  inlineLimit,
  isForeign,
  makeBytes,
  openTabular,
  readable,
  writeHeader,
  writePieces,
} from "./packed-bytes.js";
import { isTabular, tableStreams } from "./tabular.js";
import type { PackedValue, ValueCodec } from "./value.js";
import { bytesOf, makeView, viewType, viewTypeCount } from "./view-types.js";

/** What a bare value can be beside a view, as numbers behind those of views. */
const bareType = { arrayBuffer: viewTypeCount, table: viewTypeCount + 1, batch: viewTypeCount + 2 } as const;

/** Packs a value that is one typed array, ArrayBuffer or table; undefined for any other. */
export function packBare(value: object, codec: ValueCodec, label: string): PackedValue | undefined {
  let type: number;
  let pieces: readonly Uint8Array[];
  let length: number;
  if (types.isArrayBufferView(value)) {
    if (isForeign(value, codec)) return undefined;
    type = viewType(value);
    pieces = [bytesOf(value)];
    length = value.byteLength;
  } else if (types.isArrayBuffer(value)) {
    type = bareType.arrayBuffer;
    pieces = [new Uint8Array(value)];
    length = value.byteLength;
  } else if (isTabular(value)) {
    type = "batches" in value ? bareType.table : bareType.batch;
    ({ pieces, byteLength: length } = tableStreams().tableStream(value));
  } else return undefined;
  const start = bareStart(length);
  const bytes = makeBytes(start + length, length, codec, label);
  writeHeader(bytes, format.bare, type);
  writePieces(bytes, start, pieces);
  return { bytes };
}

/** Whether a bare value of this type is a table. */
export function isBareTable(type: number): boolean {
  return type === bareType.table || type === bareType.batch;
}

/** What `packBare` packed: the second word is its type. */
export function unpackBare(packed: PackedValue, type: number): object {
  const { byteLength } = packed.bytes;
  const start = bareStart(byteLength - alignment);
  const bytes = readable(packed.bytes, start, byteLength - start);
  if (type < viewTypeCount) return makeView(type, bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isBareTable(type)) return openTabular(bytes, type === bareType.batch);
  return types.isSharedArrayBuffer(bytes.buffer) ? bytes.slice().buffer : bytes.buffer;
}

/** Where the content of a bare value begins: aligned where it is read in place. */
function bareStart(length: number): number {
  return length > inlineLimit ? alignment : headStart;
}
