import type { Row, TableName } from "../../src/control/index.js";
import type { TaskSummary } from "../../src/tasks/index.js";
import { currentViews } from "./views.js";

/** Which rows `state` returns. */
export interface StateOptions<N extends TableName> {
  /** Only rows whose columns have these values, such as `{ state: "failed" }`. */
  where?: Partial<Row<N>>;
  /** Only the first so many. Default: all there are, which can be millions of tasks. */
  limit?: number;
}

/**
 * The rows of a state table of this thread's node: tasks, actors, objects, workers, nodes, resources or datasets. Every
 * task of the session has one. A session without a node has none.
 */
export async function state<N extends TableName>(table: N, options: StateOptions<N> = {}): Promise<Row<N>[]> {
  const all: Row<N>[] = [];
  for await (const rows of batches(table, options)) for (const row of rows) all.push(row);
  return all;
}

/** How many tasks and calls there are of each function and method, by state; those that are many first. */
export async function summarizeTasks(): Promise<TaskSummary[]> {
  return (await currentViews()?.summary()) ?? [];
}

async function* batches<N extends TableName>(
  table: N,
  { where = {}, limit = Number.POSITIVE_INFINITY }: StateOptions<N>,
): AsyncGenerator<readonly Row<N>[]> {
  const views = currentViews();
  if (views === undefined || limit <= 0) return;
  yield* views.rows({ table, where, limit }) as AsyncIterable<readonly Row<N>[]>;
}
