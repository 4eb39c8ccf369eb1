import { DataType, DateUnit, IntervalUnit, type TimeUnit, UnionMode, Vector } from "apache-arrow";
import { decimalAt, decimalTextAt, nanosecondsAt, textAt } from "arrow-flight-node/ipc";

/** A value as the fixtures' JSON has it; see ipc-types.py. */
export function plain(column: Vector, row: number): unknown {
  const { type } = column;
  const [data] = column.data;
  if (DataType.isUnion(type)) {
    const child = data!.children[type.typeIdToChildIndex[data!.typeIds[row]!]!]!;
    return plain(new Vector([child]), type.mode === UnionMode.Dense ? data!.valueOffsets[row]! : row);
  }
  const value: unknown = column.get(row);
  if (value === null) return null;
  if (DataType.isDictionary(type)) return plain(data!.dictionary!, Number(data!.values[row]));
  if (DataType.isDecimal(type)) {
    const text = decimalTextAt(column, row)!;
    if (type.scale >= 0 && BigInt(text.replace(".", "")) !== decimalAt(column, row)) throw new Error(text);
    return text;
  }
  if (DataType.isTimestamp(type) || DataType.isDuration(type) || DataType.isTime(type)) {
    return whole(nanosecondsAt(column, row)! / [10n ** 9n, 10n ** 6n, 1000n, 1n][type.unit as TimeUnit]!);
  }
  if (DataType.isDate(type)) {
    return whole(nanosecondsAt(column, row)! / (type.unit === DateUnit.DAY ? 86_400n * 10n ** 9n : 10n ** 6n));
  }
  if (DataType.isInterval(type)) {
    if (type.unit !== IntervalUnit.MONTH_DAY_NANO) throw new TypeError("pyarrow has no values of such intervals.");
    const words = value as Int32Array;
    return [words[0], words[1], String(new DataView(words.buffer, words.byteOffset).getBigInt64(8, true))];
  }
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type) || DataType.isUtf8View(type)) return textAt(column, row);
  if (typeof value === "bigint") return whole(value);
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString("hex") };
  if (DataType.isList(type) || DataType.isLargeList(type) || DataType.isFixedSizeList(type))
    return plainRows(value as Vector);
  if (DataType.isStruct(type)) {
    const children = data!.children.map((child) => new Vector([child]));
    return Object.fromEntries(type.children.map((field, i) => [field.name, plain(children[i]!, row)]));
  }
  if (DataType.isMap(type)) {
    const [keys, items] = data!.children[0]!.children.map((child) => new Vector([child]));
    const from = data!.valueOffsets[row]!;
    const length = data!.valueOffsets[row + 1]! - from;
    return Array.from({ length }, (_, i) => [plain(keys!, from + i), plain(items!, from + i)]);
  }
  return value;
}

/** All values of a column, as JSON. */
export function plainRows(vector: Vector): unknown[] {
  return Array.from({ length: vector.length }, (_, row) => plain(vector, row));
}

function whole(value: bigint): number | string {
  return value > -(2n ** 53n) && value < 2n ** 53n ? Number(value) : String(value);
}
