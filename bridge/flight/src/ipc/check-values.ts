import { isAscii, isUtf8 } from "node:buffer";
import { type Data, DataType, type Decimal, type Time, Type, type Union } from "apache-arrow";
import type { ColumnPlan } from "./column-plan.js";
import { malformed } from "./flatbuffer.js";

const day = 86_400;
const perSecond = [1, 1_000, 1_000_000, 1_000_000_000];

/**
 * Checks the contents of one column whose buffers are long enough, as pyarrow's full validation does: type ids, views, dictionary
 * indices, and the ranges of decimals, dates and times. The work grows with the column's bytes; plain numbers cost nothing. Its
 * children, offsets and text are checked where they are read. Throws INVALID_ARGUMENT.
 */
export function checkValues(plan: ColumnPlan, column: Data): void {
  const { type } = plan;
  if (plan.layout === "runEnds") return;
  if (DataType.isDictionary(type)) {
    checkIndices(plan, column, column.dictionary?.length ?? 0);
    return;
  }
  switch (type.typeId) {
    case Type.Map:
      if (column.children[0]!.nullCount > 0 || column.children[0]!.children[0]!.nullCount > 0) {
        throw broken(plan, "keys or entries that are null");
      }
      break;
    case Type.Utf8View:
    case Type.BinaryView:
      checkViews(plan, column);
      break;
    case Type.Union:
      checkUnion(plan, column as Data<Union>);
      break;
    case Type.Decimal:
      checkDecimals(plan, column as Data<Decimal>);
      break;
    case Type.Date:
      if (column.values instanceof BigInt64Array) checkDates(plan, column);
      break;
    case Type.Time:
      checkTimes(plan, column as Data<Time>);
      break;
    default:
  }
}

function broken({ name, type }: ColumnPlan, what: string): Error {
  return malformed(`has the column "${name}" of type ${type} with ${what}`);
}

function isNull({ nullCount, nullBitmap }: Data, row: number): boolean {
  return nullCount > 0 && ((nullBitmap[row >>> 3]! >>> (row & 7)) & 1) === 0;
}

/** Whether each of `offsets` is at least 0 and at least the one before. */
export function offsetsGrow(offsets: Int32Array | BigInt64Array): boolean {
  return offsets instanceof Int32Array ? grow32(offsets) : grow64(offsets);
}

function grow32(offsets: Int32Array): boolean {
  let before = 0;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!;
    if (offset < before) return false;
    before = offset;
  }
  return true;
}

function grow64(offsets: BigInt64Array): boolean {
  let before = 0n;
  for (let i = 0; i < offsets.length; i++) {
    const offset = offsets[i]!;
    if (offset < before) return false;
    before = offset;
  }
  return true;
}

/** Checks that the values of a column of text are UTF-8 each. Its offsets are known to be in bounds. */
export function checkText(plan: ColumnPlan, column: Data): void {
  const { length } = column;
  if (length === 0) return;
  const offsets = column.valueOffsets as Int32Array | BigInt64Array;
  const bytes = column.values as Uint8Array;
  const all = bytes.subarray(Number(offsets[0]), Number(offsets[length]));
  if (isAscii(all) || (isUtf8(all) && !splitsCharacter(bytes, offsets, length))) return;
  for (let row = 0; row < length; row++) {
    if (isNull(column, row)) continue;
    if (!isUtf8(bytes.subarray(Number(offsets[row]), Number(offsets[row + 1])))) {
      throw broken(plan, "text that is not UTF-8");
    }
  }
}

function splitsCharacter(bytes: Uint8Array, offsets: Int32Array | BigInt64Array, length: number): boolean {
  const end = Number(offsets[length]);
  for (let row = 0; row < length; row++) {
    const at = Number(offsets[row]);
    if (at < end && (bytes[at]! & 0xc0) === 0x80) return true;
  }
  return false;
}

function checkViews(plan: ColumnPlan, column: Data): void {
  const { values, variadicBuffers } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (let row = 0; row < column.length; row++) {
    if (isNull(column, row)) continue;
    const at = 16 * row;
    const size = view.getInt32(at, true);
    if (size < 0) throw broken(plan, `a value of ${size} bytes`);
    let value = values.subarray(at + 4, at + 4 + size);
    if (size <= 12) {
      for (let i = at + 4 + size; i < at + 16; i++) if (values[i] !== 0) throw broken(plan, "padding that is not zero");
    } else {
      const buffer = variadicBuffers[view.getInt32(at + 8, true)];
      const from = view.getInt32(at + 12, true);
      if (buffer === undefined || from < 0 || from + size > buffer.byteLength) {
        throw broken(plan, "values outside its buffers");
      }
      value = buffer.subarray(from, from + size);
      for (let i = 0; i < 4; i++) {
        if (value[i] !== values[at + 4 + i]) throw broken(plan, "prefixes that are not its values'");
      }
    }
    if (plan.text && !isUtf8(value)) throw broken(plan, "text that is not UTF-8");
  }
}

function checkIndices(plan: ColumnPlan, column: Data, size: number): void {
  const indices = column.values as Int32Array;
  for (let row = 0; row < column.length; row++) {
    const index = indices[row]!;
    if ((index < 0 || index >= size) && !isNull(column, row)) {
      throw broken(plan, `the index ${index} into a dictionary of ${size}`);
    }
  }
}

function checkUnion(plan: ColumnPlan, column: Data<Union>): void {
  const { type, length, typeIds, children } = column;
  const childOf = new Int16Array(256).fill(-1);
  for (const [index, id] of [...type.typeIds].entries()) childOf[id & 0xff] = index;
  const dense = plan.layout === "denseUnion";
  if (!dense && children.some((child) => child.length < length)) throw broken(plan, "children that are too short");
  const reached = children.map(() => 0);
  for (let row = 0; row < length; row++) {
    const child = childOf[typeIds[row]! & 0xff]!;
    if (child < 0) throw broken(plan, `the type id ${typeIds[row]}`);
    if (!dense) continue;
    const offset = column.valueOffsets[row]!;
    if (offset < reached[child]! || offset >= children[child]!.length) throw broken(plan, `the offset ${offset}`);
    reached[child] = offset;
  }
}

function checkDecimals(plan: ColumnPlan, column: Data<Decimal>): void {
  const { values, length, type } = column;
  const bound = 10n ** BigInt(type.precision);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const width = type.bitWidth / 8;
  for (let row = 0; row < length; row++) {
    if (isNull(column, row)) continue;
    const at = width * row;
    let value = width === 4 ? BigInt(view.getInt32(at, true)) : view.getBigInt64(at + width - 8, true);
    for (let word = width - 16; word >= 0; word -= 8) value = (value << 64n) | view.getBigUint64(at + word, true);
    if (value <= -bound || value >= bound) throw broken(plan, "values beyond its precision");
  }
}

/** Dates in milliseconds are whole days. */
function checkDates(plan: ColumnPlan, column: Data): void {
  const values = column.values as BigInt64Array;
  for (let row = 0; row < column.length; row++) {
    if (values[row]! % 86_400_000n !== 0n && !isNull(column, row)) throw broken(plan, `the value ${values[row]}`);
  }
}

/** Times are at least 0 and less than a day. */
function checkTimes(plan: ColumnPlan, column: Data<Time>): void {
  const end = day * perSecond[column.type.unit]!;
  const values = column.values as Int32Array | BigInt64Array;
  for (let row = 0; row < column.length; row++) {
    const value = values[row]!;
    if ((value < 0 || value >= end) && !isNull(column, row)) throw broken(plan, `the value ${value}`);
  }
}
