import type { Row, TableName } from "./tables.js";

/** One row as a watcher sees it: its newest value, or null once it was deleted. */
export interface Change<N extends TableName> {
  readonly id: string;
  readonly row: Row<N> | null;
}

/** How the rows of a log come to be. */
export interface RowLogOptions<N extends TableName> {
  /** The rows of a block that was appended. */
  unpack(block: Uint8Array): Iterable<Row<N>>;
  /** How many rows a block has. */
  rowsOf(block: Uint8Array): number;
  /**
   * Asked for when somebody reads: the rows that are not final yet, by id. Before that, it appends what is final. A row that
   * turns up in a block meanwhile is taken from there.
   */
  current(): Promise<Map<string, Row<N>>>;
}

/**
 * The part of a table that grows for as long as a session lasts, such as tasks that have ended: rows that are final, in
 * blocks that whoever appends them packs, and that are unpacked when somebody reads.
 */
export interface RowLog {
  /** Appends a block, which belongs to the store from now on; never waits. Blocks are dropped when there is no room for them. */
  append(block: Uint8Array): void;
  /** All blocks that there are now, oldest first. */
  blocks(): AsyncIterable<Uint8Array>;
  /** How many blocks there are. */
  readonly length: number;
  /** How many rows were dropped. */
  readonly lostRows: number;
}

/**
 * Every fact about nodes, workers, tasks, actors, objects and datasets, as rows of `tables`. The interface is
 * asynchronous and batched so that a remote store can stand behind it; hot paths write without awaiting. Rows are copied
 * on the way in and on the way out. Writes made by one caller are seen by everybody in the order in which it made them.
 */
export interface ControlStore {
  /** Inserts or replaces rows, keyed by `id`. */
  put<N extends TableName>(table: N, rows: readonly Row<N>[]): Promise<void>;
  /** One row. In a table that has a log this reads the log. */
  get<N extends TableName>(table: N, id: string): Promise<Row<N> | undefined>;
  /**
   * All rows, in batches of at most some thousands: those of the table's log, oldest first, then the others in the order in which they
   * were first inserted. Each id comes once. However many there are, reading takes the memory of a few batches.
   */
  scan<N extends TableName>(table: N): AsyncIterable<readonly Row<N>[]>;
  /** The rows of `scan` as one array. */
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
   * `signal` aborts or the store closes. Rows of a log are not watched.
   */
  watch<N extends TableName>(table: N, options?: { signal?: AbortSignal }): AsyncIterable<readonly Change<N>[]>;
  /** Gives a table a log. Throws ALREADY_EXISTS when it has one. */
  openLog<N extends TableName>(table: N, options: RowLogOptions<N>): RowLog;
  /** Ends all watchers and gives the logs' memory back. Reading and writing afterwards rejects with UNAVAILABLE. */
  close(): void;
}
