import {
  type Data,
  DataType,
  type Date_,
  DateUnit,
  type Decimal,
  type Duration,
  type LargeUtf8,
  type Time,
  type Timestamp,
  type Utf8,
  type Utf8View,
  type Vector,
} from "apache-arrow";
import { FlightError } from "../error.js";
import { integerOf } from "./decimal-words.js";

/**
 * The decimal at `row` as its unscaled integer: 12345n for 123.45 of scale 2; null for a null. Exact for decimals of 32, 64, 128 and
 * 256 bits, of decoded batches and of others, in which apache-arrow prints negative decimals of 64 bits and long ones of 256 wrongly.
 */
export function decimalAt(column: Vector<Decimal>, row: number): bigint | null {
  const [data, at] = place(column, row);
  if (!data.getValid(at)) return null;
  const words = (column.type as Decimal).bitWidth / 32;
  return integerOf((data.values as Uint32Array).subarray(at * words, (at + 1) * words));
}

/** A schema may give any scale of 32 bits; nobody wants as many zeros. */
const widestScale = 1_000;

/**
 * The decimal at `row` written out with all digits of its scale, such as "-123.45", never with an exponent; null for a null. Throws
 * OUT_OF_RANGE for a scale beyond 1,000 on either side.
 */
export function decimalTextAt(column: Vector<Decimal>, row: number): string | null {
  const value = decimalAt(column, row);
  if (value === null) return null;
  const { scale } = column.type as Decimal;
  if (Math.abs(scale) > widestScale) {
    throw new FlightError("OUT_OF_RANGE", `A decimal of scale ${scale} is too long to be written out.`, {
      hint: "Use decimalAt, and the scale of the column's type.",
    });
  }
  if (scale <= 0) return String(value * 10n ** BigInt(-scale));
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const nanoseconds = [1_000_000_000n, 1_000_000n, 1_000n, 1n];

/**
 * The date, time, timestamp or duration at `row` in nanoseconds, since 1970, since midnight or long; null for a null. Exact where
 * apache-arrow's `get` gives timestamps as a floating number of milliseconds, too coarse for nanoseconds.
 */
export function nanosecondsAt(column: Vector<Timestamp | Time | Duration | Date_>, row: number): bigint | null {
  const [data, at] = place(column, row);
  if (!data.getValid(at)) return null;
  const { unit } = column.type as Timestamp;
  const value = BigInt((data.values as unknown as ArrayLike<number | bigint>)[at]!);
  if (DataType.isDate(column.type))
    return value * (unit === (DateUnit.DAY as number) ? 86_400_000_000_000n : 1_000_000n);
  return value * nanoseconds[unit]!;
}

/**
 * The text at `row`, all of it; null for a null. apache-arrow's `get` leaves out a byte order mark (U+FEFF) that a text begins
 * with, and puts U+FFFD where bytes are no UTF-8, which decoded batches never hold.
 */
export function textAt(column: Vector<Utf8 | LargeUtf8 | Utf8View>, row: number): string | null {
  const [data, at] = place(column, row);
  if (!data.getValid(at)) return null;
  const { buffer, byteOffset, byteLength } = DataType.isUtf8View(column.type) ? viewAt(data, at) : sliceAt(data, at);
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}

function sliceAt({ values, valueOffsets }: Data, at: number): Uint8Array {
  return (values as Uint8Array).subarray(Number(valueOffsets[at]), Number(valueOffsets[at + 1]));
}

function viewAt({ values, variadicBuffers }: Data, at: number): Uint8Array {
  const bytes = values as Uint8Array;
  const view = new DataView(bytes.buffer, bytes.byteOffset + 16 * at, 16);
  const length = view.getInt32(0, true);
  if (length <= 12) return bytes.subarray(16 * at + 4, 16 * at + 4 + length);
  const from = view.getInt32(12, true);
  return variadicBuffers[view.getInt32(8, true)]!.subarray(from, from + length);
}

/** The chunk that holds `row`, and where in it. Throws a RangeError for a row that the column lacks. */
function place(column: Vector, row: number): [data: Data, at: number] {
  let at = row;
  for (const data of column.data) {
    if (at >= 0 && at < data.length) return [data, at];
    at -= data.length;
  }
  throw new RangeError(`There is no row ${row} in a column of ${column.length}.`);
}
