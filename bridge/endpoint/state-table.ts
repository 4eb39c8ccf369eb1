import { Field, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import type { FlightDataOut } from "arrow-flight-node";
import { encodeSchema, messagesOf } from "arrow-flight-node/ipc";
import { type ControlStore, isTableName, type TableName, tableNames, tables } from "../../src/control/index.js";
import { RayflightError } from "../../src/error.js";
import { arrowTypes, stateColumn } from "./state-column.js";

/** The name of a state table. Throws NOT_FOUND, naming those there are, for any other word. */
export function requireTable(name: string): TableName {
  if (isTableName(name)) return name;
  throw new RayflightError("NOT_FOUND", `There is no state table "${name}".`, {
    hint: `Ask for one of ${tableNames.join(", ")}.`,
  });
}

function schemaOf(table: TableName): Schema {
  const fields = Object.entries(tables[table]).map(
    ([name, column]) => new Field(name, arrowTypes[column.type](), column.nullable),
  );
  return new Schema(fields);
}

/** The schema message of a state table. */
export function stateSchema(table: TableName): Uint8Array {
  return encodeSchema(schemaOf(table));
}

/**
 * A state table as it is now, as messages of a data stream: all rows, in the order of `ControlStore.scan`. Rows are made
 * batch by batch as the reader takes them.
 */
export async function* readState(control: ControlStore, table: TableName): AsyncGenerator<FlightDataOut> {
  const schema = schemaOf(table);
  yield { header: encodeSchema(schema) };
  const columns = Object.entries(tables[table]);
  for await (const rows of control.scan(table)) {
    const children = columns.map(([name, { type }]) =>
      stateColumn(
        type,
        rows.map((row) => (row as Readonly<Record<string, unknown>>)[name]),
      ),
    );
    const data = makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children });
    yield* messagesOf([new RecordBatch(schema, data)]);
  }
}
