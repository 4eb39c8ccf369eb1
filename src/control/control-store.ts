import type { Row, TableName } from "./tables.js";

/** One row as a watcher sees it: its newest value, or null once it was deleted. */
export interface Change<N extends TableName> {
  readonly id: string;
  readonly row: Row<N> | null;
}

/**
 * Every fact about nodes, workers, tasks, actors, objects and datasets, as rows of `tables`. The interface is
 * asynchronous and batched so that a remote store can stand behind it; hot paths write without awaiting. Rows are copied
 * on the way in and on the way out. Writes made by one caller are seen by everybody in the order in which it made them.
 */
export interface ControlStore {
  /** Inserts or replaces rows, keyed by `id`. */
  put<N extends TableName>(table: N, rows: readonly Row<N>[]): Promise<void>;
  get<N extends TableName>(table: N, id: string): Promise<Row<N> | undefined>;
  /** All rows, in the order in which they were first inserted. */
  list<N extends TableName>(table: N): Promise<Row<N>[]>;
  /** Deletes rows; ids that do not exist are no error. */
  delete(table: TableName, ids: readonly string[]): Promise<void>;
  /**
   * Replaces one row only if its current value equals `expected` in every column (undefined: only if there is none).
   * `next` undefined deletes. Returns whether it did; of several concurrent callers exactly one wins.
   */
  compareAndSet<N extends TableName>(
    table: N,
    id: string,
    expected: Row<N> | undefined,
    next: Row<N> | undefined,
  ): Promise<boolean>;
  /**
   * All rows as they are now, as the first batch, then every later change in batches. A slow watcher sees the newest value
   * of a row and not each one in between, so it holds nobody back and costs at most one entry a row. Ends when
   * `signal` aborts or the store closes.
   */
  watch<N extends TableName>(table: N, options?: { signal?: AbortSignal }): AsyncIterable<readonly Change<N>[]>;
  /** Ends all watchers. Reading and writing afterwards rejects with UNAVAILABLE. */
  close(): void;
}
