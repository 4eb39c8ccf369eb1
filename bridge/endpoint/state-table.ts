import {
  Bool,
  type DataType,
  Field,
  Float64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { FlightDataOut } from "arrow-flight-node";
import { encodeSchema, messagesOf } from "arrow-flight-node/ipc";
import {
  type ColumnType,
  type ControlStore,
  isTableName,
  type TableName,
  tableNames,
  tables,
} from "../../src/control/index.js";
import { RayflightError } from "../../src/error.js";

const typeOf: Readonly<Record<ColumnType, () => DataType>> = {
  string: () => new Utf8(),
  float64: () => new Float64(),
  bool: () => new Bool(),
  timestamp: () => new TimestampMillisecond("UTC"),
};

/** The name of a state table. Throws NOT_FOUND, naming those there are, for any other word. */
export function requireTable(name: string): TableName {
  if (isTableName(name)) return name;
  throw new RayflightError("NOT_FOUND", `There is no state table "${name}".`, {
    hint: `Ask for one of ${tableNames.join(", ")}.`,
  });
}

function schemaOf(table: TableName): Schema {
  const fields = Object.entries(tables[table]).map(
    ([name, column]) => new Field(name, typeOf[column.type](), column.nullable),
  );
  return new Schema(fields);
}

/** The schema message of a state table. */
export function stateSchema(table: TableName): Uint8Array {
  return encodeSchema(schemaOf(table));
}

/** A state table as it is now, as messages of a data stream: all rows, in the order in which they were first written. */
export async function* readState(control: ControlStore, table: TableName): AsyncGenerator<FlightDataOut> {
  const schema = schemaOf(table);
  yield { header: encodeSchema(schema) };
  const rows = await control.list(table);
  if (rows.length === 0) return;
  const children = schema.fields.map((field) => {
    const values = rows.map((row) => (row as Readonly<Record<string, unknown>>)[field.name]);
    return vectorFromArray(values, field.type).data[0]!;
  });
  const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
  yield* messagesOf([new RecordBatch(schema, data)]);
}
