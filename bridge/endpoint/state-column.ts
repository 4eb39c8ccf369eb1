import { Bool, type Data, type DataType, Float64, makeData, TimestampMicrosecond, Utf8 } from "apache-arrow";
import type { ColumnType } from "../../src/control/index.js";

/** What a column of a state table is in Arrow. A timestamp has microseconds. */
export const arrowTypes: Readonly<Record<ColumnType, () => DataType>> = {
  string: () => new Utf8(),
  float64: () => new Float64(),
  bool: () => new Bool(),
  timestamp: () => new TimestampMicrosecond("UTC"),
};

/** A column of Arrow from the values of rows. apache-arrow's own builders take five times as long, and tables are long. */
export function stateColumn(type: ColumnType, values: readonly unknown[]): Data {
  const length = values.length;
  const [nullCount, nullBitmap] = nullsOf(values);
  const nulls = { length, nullCount, ...(nullBitmap && { nullBitmap }) };
  switch (type) {
    case "float64":
      return makeData({ type: new Float64(), ...nulls, data: Float64Array.from(values as number[]) });
    case "timestamp":
      return makeData({ type: new TimestampMicrosecond("UTC"), ...nulls, data: microseconds(values as number[]) });
    case "bool":
      return makeData({ type: new Bool(), ...nulls, data: bits(values, (value) => value === true) });
    case "string": {
      const texts = values as readonly (string | null)[];
      const valueOffsets = new Int32Array(length + 1);
      const data = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + 3 * (text?.length ?? 0), 0));
      for (let i = 0, at = 0; i < length; i++) {
        at += data.write(texts[i] ?? "", at);
        valueOffsets[i + 1] = at;
      }
      return makeData({ type: new Utf8(), ...nulls, valueOffsets, data: data.subarray(0, valueOffsets[length]) });
    }
  }
}

/** Whole microseconds as 64-bit integers, written as halves: BigInts would each be an object. */
function microseconds(milliseconds: readonly (number | null)[]): BigInt64Array {
  const whole = new BigInt64Array(milliseconds.length);
  const halves = new Int32Array(whole.buffer);
  for (let i = 0; i < milliseconds.length; i++) {
    const time = Math.floor((milliseconds[i] ?? 0) * 1000);
    halves[2 * i] = time % 2 ** 32;
    halves[2 * i + 1] = Math.floor(time / 2 ** 32);
  }
  return whole;
}

function nullsOf(values: readonly unknown[]): [count: number, bitmap: Uint8Array | undefined] {
  let count = 0;
  for (const value of values) if (value === null) count += 1;
  return [count, count === 0 ? undefined : bits(values, (value) => value !== null)];
}

function bits(values: readonly unknown[], isSet: (value: unknown) => boolean): Uint8Array {
  const bitmap = new Uint8Array(Math.ceil(values.length / 8));
  for (let i = 0; i < values.length; i++) if (isSet(values[i])) bitmap[i >> 3]! |= 1 << (i & 7);
  return bitmap;
}
