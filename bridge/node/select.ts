import type { ControlStore, Row, TableName } from "../../src/control/index.js";

/** Which rows of which table. */
export interface Query {
  readonly table: TableName;
  /** Columns that must have exactly these values. */
  readonly where: Readonly<Record<string, unknown>>;
  readonly limit: number;
}

/** The rows of a table that a query asks for, in batches; it reads no further than the limit. */
export async function* select(control: ControlStore, { table, where, limit }: Query): AsyncGenerator<readonly Row[]> {
  const wanted = Object.entries(where);
  let left = limit;
  for await (const rows of control.scan(table)) {
    const fits = (row: Row) => wanted.every(([name, value]) => row[name as keyof Row] === value);
    const found = (wanted.length === 0 ? rows : rows.filter(fits)).slice(0, left);
    if (found.length > 0) yield found;
    left -= found.length;
    if (left === 0) return;
  }
}
