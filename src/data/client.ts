import { type RecordBatch, Schema } from "apache-arrow";
import { batchDecoder, type ColumnKind, type Columns, decodeSchema, schemaOf } from "../arrow/index.js";
import { type Bus, type MethodClient, methodsOf } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { DatasetInfo, SealResult } from "./dataset.js";
import type { DataMethods } from "./methods.js";
import { type Dataset, datasetOf } from "./opened.js";
import { createResultStream, type ResultStream } from "./result-stream.js";
import { type WriteOptions, writeDataset } from "./write.js";

export interface WaitOptions {
  /** Without it, waits as long as it takes. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Datasets, as any thread that has a bus to the node sees them. */
export interface DataClient {
  /** Opens the current version, or a numbered one, in memory: OBJECT_STORE_FULL when it does not fit. Close it after use. */
  open(name: string, options?: { version?: number }): Promise<Dataset>;
  /** Opens the dataset as soon as it exists. Rejects with GET_TIMEOUT after `timeoutMs`. */
  waitFor(name: string, options?: WaitOptions): Promise<Dataset>;
  exists(name: string): Promise<boolean>;
  list(): Promise<DatasetInfo[]>;
  /** Returns whether it existed; who has it open keeps it. */
  remove(name: string): Promise<boolean>;
  /** Creates a dataset that others can follow while it grows, in place of what had that name. Declared columns are never null. */
  createStream(name: string, columns: Readonly<Record<string, ColumnKind>> | Schema): Promise<ResultStream>;
  /** Every batch from the start, then live until the stream is closed; a sealed dataset ends at its last batch. */
  follow(name: string, options?: { signal?: AbortSignal }): AsyncIterable<RecordBatch>;
  /** Writes a dataset that becomes visible as a whole or not at all. */
  write(
    name: string,
    content: Columns | Iterable<RecordBatch>,
    options?: WriteOptions,
  ): Promise<Pick<SealResult, "version" | "rows">>;
}

/** Makes the data client of this thread; the other side of the bus must be served by `serveData`. */
export function createDataClient(bus: Bus): DataClient {
  return new BusDataClient(methodsOf<DataMethods>(bus));
}

class BusDataClient implements DataClient {
  readonly #methods: MethodClient<DataMethods>;

  constructor(methods: MethodClient<DataMethods>) {
    this.#methods = methods;
  }

  async open(name: string, options: { version?: number } = {}): Promise<Dataset> {
    const opened = await this.#methods.call("data.open", { name, version: options.version });
    const release = () => this.#methods.notify("data.release", opened.lease);
    try {
      return datasetOf(opened, release);
    } catch (reason) {
      release();
      throw reason;
    }
  }

  async waitFor(name: string, options: WaitOptions = {}): Promise<Dataset> {
    const { timeoutMs, signal } = options;
    const timeout = new AbortController();
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(() => timeout.abort(tooLate(name, timeoutMs)), timeoutMs);
    try {
      const either = signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]);
      await this.#methods.call("data.waitFor", { name }, { signal: either });
    } finally {
      clearTimeout(timer);
    }
    return await this.open(name);
  }

  exists(name: string): Promise<boolean> {
    return this.#methods.call("data.exists", { name });
  }

  list(): Promise<DatasetInfo[]> {
    return this.#methods.call("data.list", null);
  }

  remove(name: string): Promise<boolean> {
    return this.#methods.call("data.remove", { name });
  }

  createStream(name: string, columns: Readonly<Record<string, ColumnKind>> | Schema): Promise<ResultStream> {
    const schema = columns instanceof Schema ? columns : schemaOf(columns);
    return createResultStream(this.#methods, name, schema);
  }

  async *follow(name: string, options: { signal?: AbortSignal } = {}): AsyncGenerator<RecordBatch, void> {
    const { version, schema } = await this.#methods.call("data.describe", { name }, options);
    const decode = batchDecoder(decodeSchema(schema));
    for await (const message of this.#methods.stream("data.follow", { name, version }, options)) {
      const batch = decode(message);
      if (batch !== undefined) yield batch;
    }
  }

  write(name: string, content: Columns | Iterable<RecordBatch>, options: WriteOptions = {}): Promise<SealResult> {
    return writeDataset(this.#methods, name, content, options);
  }
}

function tooLate(name: string, timeoutMs: number): RayflightError {
  return new RayflightError("GET_TIMEOUT", `The dataset "${name}" did not appear within ${timeoutMs / 1000} seconds.`, {
    hint: "Check that its writer runs and writes to this node, or wait longer.",
  });
}
