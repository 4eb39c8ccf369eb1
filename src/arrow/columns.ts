import { DataType, type RecordBatch } from "apache-arrow";
import { RayflightError } from "../error.js";

/** The arrays that numeric columns are made of. */
export type NumericArray =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/**
 * One numeric column of a batch as a typed array over the batch's own memory. Throws NOT_FOUND when there is none, and
 * INVALID_ARGUMENT for nulls, 64-bit integers and types that are no numbers.
 */
export function numericColumn(batch: RecordBatch, name: string): NumericArray {
  const data = batch.data.children[batch.schema.fields.findIndex((field) => field.name === name)];
  if (data === undefined) {
    const names = batch.schema.fields.map((field) => field.name).join(", ");
    throw new RayflightError("NOT_FOUND", `There is no column "${name}".`, { hint: `The columns are: ${names}.` });
  }
  const { type, nullCount, values, length } = data;
  const narrow = DataType.isInt(type) ? type.bitWidth < 64 : DataType.isFloat(type) && type.precision > 0;
  if (!narrow) {
    throw new RayflightError("INVALID_ARGUMENT", `The column "${name}" is ${type}, which no numeric array holds.`, {
      hint: "Have its writer cast it to int32 or float64.",
    });
  }
  if (nullCount > 0) {
    throw new RayflightError("INVALID_ARGUMENT", `The column "${name}" has ${nullCount} nulls in ${length} rows.`, {
      hint: "Have its writer fill or drop them.",
    });
  }
  return (values as NumericArray).subarray(0, length);
}
