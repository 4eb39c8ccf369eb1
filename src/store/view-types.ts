import { Buffer } from "node:buffer";
import { types } from "node:util";

/** Which array type a view is; the position is its number in stored values. */
const viewTypes = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Buffer,
] as const;
const viewNames = viewTypes.map((type) => (type === Buffer ? "Buffer" : type.name));

/** How many numbers `viewType` gives, from 0 on. */
export const viewTypeCount = viewTypes.length;

/** The number of a view's type. */
export function viewType(view: NodeJS.ArrayBufferView): number {
  return Math.max(0, viewNames.indexOf(typeName(view)));
}

/** A view of that type over memory as it is. */
export function makeView(number: number, buffer: ArrayBufferLike, start: number, bytes: number): object {
  const type = viewTypes[number]!;
  if (type === Buffer) return Buffer.from(buffer as ArrayBuffer, start, bytes);
  const elementSize = "BYTES_PER_ELEMENT" in type ? (type.BYTES_PER_ELEMENT as number) : 1;
  return new (type as Uint8ArrayConstructor)(buffer, start, bytes / elementSize);
}

/** The bytes that a view covers. */
export function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function typeName(view: NodeJS.ArrayBufferView): string {
  if (Buffer.isBuffer(view)) return "Buffer";
  return types.isDataView(view) ? "DataView" : (view as Uint8Array)[Symbol.toStringTag];
}
