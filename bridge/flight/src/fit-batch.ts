import { type Data, DataType, makeData, RecordBatch, type Schema, Struct } from "apache-arrow";
import { FlightError } from "./error.js";
import { differenceOf } from "./schema.js";

/**
 * Returns what makes a batch one of the stream of `schema`. Batches that were made apart number their dictionaries apart, too: they get the
 * schema's numbers, without a copy. Throws INVALID_ARGUMENT for a batch of other columns, whose bytes would be read as something else.
 */
export function batchFitter(schema: Schema): (batch: RecordBatch) => RecordBatch {
  let seen = schema;
  let renumber = false;
  return (batch) => {
    if (batch.schema !== seen) {
      const difference = differenceOf(batch.schema, schema, { nulls: false });
      if (difference !== undefined) throw misfit(difference);
      seen = batch.schema;
      renumber = String([...seen.dictionaries.keys()]) !== String([...schema.dictionaries.keys()]);
    }
    return renumber ? renumbered(batch, schema) : batch;
  };
}

function renumbered(batch: RecordBatch, schema: Schema): RecordBatch {
  const children = batch.data.children.map((column, i) => retyped(column, schema.fields[i]!.type));
  const { length, nullCount } = batch.data;
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount, children }));
}

function retyped(column: Data, type: DataType): Data {
  if (DataType.isDictionary(type)) return column.clone(type);
  if (column.children.length === 0) return column;
  const children = column.children.map((child, i) => retyped(child, type.children[i]!.type));
  return column.clone(type, column.offset, column.length, column.nullCount, undefined, children);
}

function misfit(difference: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `A batch has another schema than its stream: ${difference}.`, {
    hint: "Send batches of one schema, or each schema as a stream of its own.",
  });
}
