import { isUtf8 } from "node:buffer";
import { type Data, DataType, type Decimal, type Time, Type, type Union, UnionMode, type Vector } from "apache-arrow";
import { malformed } from "./flatbuffer.js";

/** A column as apache-arrow's loader cut it from a body: from its first row on. */
type Column = Data<DataType>;

const day = 86_400;
const perSecond = [1, 1_000, 1_000_000, 1_000_000_000];

/**
 * Checks the contents of columns whose buffers are long enough, as pyarrow's full validation does: offsets, type ids, views,
 * dictionary indices, UTF-8, and the ranges of decimals, dates and times. The work grows with the columns' bytes; columns of
 * plain numbers without nulls cost nothing. Throws INVALID_ARGUMENT.
 */
export function checkValues(columns: readonly Column[], dictionaries: ReadonlyMap<number, Vector>): void {
  for (const column of columns) checkColumn(column, dictionaries);
}

function checkColumn(column: Column, dictionaries: ReadonlyMap<number, Vector>): void {
  const { type } = column;
  if (type.typeId === Type.Null && column.nullCount !== column.length) throw broken(column, "values in place of nulls");
  if (DataType.isDictionary(type)) {
    checkIndices(column, dictionaries.get(type.id)?.length ?? 0);
    return;
  }
  switch (type.typeId) {
    case Type.Utf8:
    case Type.LargeUtf8:
      checkOffsets(column);
      checkText(column);
      break;
    case Type.Binary:
    case Type.LargeBinary:
    case Type.List:
    case Type.LargeList:
      checkOffsets(column);
      break;
    case Type.Map:
      checkOffsets(column);
      if (column.children[0]!.nullCount > 0 || column.children[0]!.children[0]!.nullCount > 0) {
        throw broken(column, "keys or entries that are null");
      }
      break;
    case Type.Utf8View:
    case Type.BinaryView:
      checkViews(column);
      break;
    case Type.Union:
      checkUnion(column as Data<Union>);
      break;
    case Type.Decimal:
      checkDecimals(column as Data<Decimal>);
      break;
    case Type.Date:
      if (column.values instanceof BigInt64Array) checkRange(column, (value) => value % BigInt(1000 * day) === 0n);
      break;
    case Type.Time:
      checkTimes(column as Data<Time>);
      break;
    default:
  }
  checkValues(column.children, dictionaries);
}

function broken({ type }: Column, what: string): Error {
  return malformed(`has a column of type ${type} with ${what}`);
}

function isNull({ nullCount, nullBitmap }: Column, row: number): boolean {
  return nullCount > 0 && ((nullBitmap[row >>> 3]! >>> (row & 7)) & 1) === 0;
}

/** The first and last are known to be in bounds. */
function checkOffsets(column: Column): void {
  const offsets = column.valueOffsets as Int32Array | BigInt64Array;
  for (let row = 0; row < column.length; row++) {
    if (offsets[row + 1]! < offsets[row]!) throw broken(column, "offsets that run backwards");
  }
}

function checkText(column: Column): void {
  const offsets = column.valueOffsets as Int32Array | BigInt64Array;
  const bytes = column.values as Uint8Array;
  const { length } = column;
  if (length === 0) return;
  const all = bytes.subarray(Number(offsets[0]), Number(offsets[length]));
  if (isUtf8(all) && !splitsCharacter(bytes, offsets, length)) return;
  for (let row = 0; row < length; row++) {
    if (isNull(column, row)) continue;
    if (!isUtf8(bytes.subarray(Number(offsets[row]), Number(offsets[row + 1]))))
      throw broken(column, "text that is not UTF-8");
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

function checkViews(column: Column): void {
  const { values, variadicBuffers, type } = column;
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const text = type.typeId === Type.Utf8View;
  for (let row = 0; row < column.length; row++) {
    if (isNull(column, row)) continue;
    const at = 16 * row;
    const size = view.getInt32(at, true);
    if (size < 0) throw broken(column, `a value of ${size} bytes`);
    let value = values.subarray(at + 4, at + 4 + size);
    if (size <= 12) {
      for (let i = at + 4 + size; i < at + 16; i++)
        if (values[i] !== 0) throw broken(column, "padding that is not zero");
    } else {
      const buffer = variadicBuffers[view.getInt32(at + 8, true)];
      const from = view.getInt32(at + 12, true);
      if (buffer === undefined || from < 0 || from + size > buffer.byteLength) {
        throw broken(column, "values outside its buffers");
      }
      value = buffer.subarray(from, from + size);
      for (let i = 0; i < 4; i++) {
        if (value[i] !== values[at + 4 + i]) throw broken(column, "prefixes that are not its values'");
      }
    }
    if (text && !isUtf8(value)) throw broken(column, "text that is not UTF-8");
  }
}

function checkIndices(column: Column, size: number): void {
  const indices = column.values as Int32Array;
  for (let row = 0; row < column.length; row++) {
    const index = indices[row]!;
    if ((index < 0 || index >= size) && !isNull(column, row)) {
      throw broken(column, `the index ${index} into a dictionary of ${size}`);
    }
  }
}

function checkUnion(column: Data<Union>): void {
  const { type, length, typeIds, children } = column;
  const childOf = new Int16Array(256).fill(-1);
  for (const [index, id] of [...type.typeIds].entries()) childOf[id & 0xff] = index;
  const dense = type.mode === UnionMode.Dense;
  if (!dense && children.some((child) => child.length < length)) throw broken(column, "children that are too short");
  const reached = children.map(() => 0);
  for (let row = 0; row < length; row++) {
    const child = childOf[typeIds[row]! & 0xff]!;
    if (child < 0) throw broken(column, `the type id ${typeIds[row]}`);
    if (!dense) continue;
    const offset = column.valueOffsets[row]!;
    if (offset < reached[child]! || offset >= children[child]!.length) throw broken(column, `the offset ${offset}`);
    reached[child] = offset;
  }
}

function checkDecimals(column: Data<Decimal>): void {
  const { values, length, type } = column;
  const bound = 10n ** BigInt(type.precision);
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  const width = type.bitWidth / 8;
  for (let row = 0; row < length; row++) {
    if (isNull(column, row)) continue;
    const at = width * row;
    let value = width === 4 ? BigInt(view.getInt32(at, true)) : view.getBigInt64(at + width - 8, true);
    for (let word = width - 16; word >= 0; word -= 8) value = (value << 64n) | view.getBigUint64(at + word, true);
    if (value <= -bound || value >= bound) throw broken(column, "values beyond its precision");
  }
}

function checkTimes(column: Data<Time>): void {
  const end = day * perSecond[column.type.unit]!;
  checkRange(column, (value) => value >= 0 && value < end);
}

function checkRange(column: Column, fits: (value: bigint) => boolean): void {
  const values = column.values as BigInt64Array;
  for (let row = 0; row < column.length; row++) {
    if (!fits(values[row]!) && !isNull(column, row)) throw broken(column, `the value ${values[row]}`);
  }
}
