import type { RecordBatch, Schema } from "apache-arrow";
import type { NumericArray } from "../arrow/index.js";
import type { Bus } from "../control/index.js";
import type { DatasetInfo, SealMode } from "./dataset.js";

/** Types of columns that a stream can be declared with. They are not null. */
export type ColumnKind = "int32" | "float32" | "float64" | "string" | "bool" | "int64";

/** Columns of equal length: typed arrays, or strings. */
export type Columns = Record<
  string,
  NumericArray | BigInt64Array | readonly string[] | readonly boolean[] | readonly number[]
>;

/** One version of a dataset, opened: its columns are views of the store's memory, shared by all threads. Do not write to them. */
export interface Dataset extends Disposable {
  readonly name: string;
  readonly version: number;
  readonly state: DatasetInfo["state"];
  readonly schema: Schema;
  readonly rows: number;
  /** The schema's metadata. */
  readonly metadata: ReadonlyMap<string, string>;
  /** All record batches, part by part. */
  readonly batches: readonly RecordBatch[];
  /** The record batches of each part. */
  readonly parts: readonly (readonly RecordBatch[])[];
  /** A numeric column without nulls: one typed array a batch, nothing copied. */
  column(name: string): readonly NumericArray[];
  /** Lets the store free or spill the version. Columns must not be used afterwards. */
  close(): void;
}

/** A dataset that this thread grows while others read it. */
export interface ResultStream {
  readonly name: string;
  /** Appends rows; resolves when followers can see them. Need not be awaited: order is kept, and `close` reports the first failure. */
  append(rows: Columns | RecordBatch): Promise<void>;
  close(): Promise<void>;
  fail(reason: unknown): Promise<void>;
}

/** Datasets, as any thread that has a bus to the node sees them. */
export interface DataClient {
  open(name: string, options?: { version?: number }): Promise<Dataset>;
  /** Opens the dataset once it exists. Rejects with GET_TIMEOUT after `timeoutMs`. */
  waitFor(name: string, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<Dataset>;
  exists(name: string): Promise<boolean>;
  list(): Promise<DatasetInfo[]>;
  remove(name: string): Promise<boolean>;
  createStream(name: string, columns: Record<string, ColumnKind> | Schema): Promise<ResultStream>;
  /** Follows a stream: every batch from the start, then live until it is closed. */
  follow(name: string, options?: { signal?: AbortSignal }): AsyncIterable<RecordBatch>;
  write(
    name: string,
    batches: Columns | Iterable<RecordBatch>,
    options?: { mode?: SealMode; metadata?: Record<string, string> },
  ): Promise<{ version: number; rows: number }>;
}

export declare function createDataClient(bus: Bus): DataClient;
