import type { RecordBatch, Schema } from "apache-arrow";
import { decodeBatches, decodeSchema, type NumericArray, numericColumn } from "../arrow/index.js";
import type { DatasetInfo } from "./dataset.js";
import type { OpenedDataset } from "./methods.js";

/** One version of a dataset, opened: its columns are views of the store's memory, which all threads share. Do not write to them. */
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
  /** Lets the store spill or free the version. Columns must not be used afterwards. May be called twice. */
  close(): void;
}

/** Datasets that nobody closed give their lease back when they are collected; the last resort, which may come late. */
const forgotten = new FinalizationRegistry<() => void>((release) => release());

/** Makes a dataset of what the node sent; calls `release` once. Throws when the messages do not fit the schema. */
export function datasetOf({ info, loaded }: OpenedDataset, release: () => void): Dataset {
  const schema = decodeSchema(info.schema);
  const parts = loaded.parts.map((messages) =>
    decodeBatches(
      schema,
      messages.map(({ header, segment, offset, length }) => {
        const buffer = loaded.segments[segment];
        return { header, body: buffer ? new Uint8Array(buffer, offset, length) : new Uint8Array(0) };
      }),
    ),
  );
  const dataset = new OpenDataset(info, schema, parts, release);
  forgotten.register(dataset, release, dataset);
  return dataset;
}

class OpenDataset implements Dataset {
  readonly name: string;
  readonly version: number;
  readonly state: DatasetInfo["state"];
  readonly rows: number;
  readonly schema: Schema;
  readonly parts: readonly (readonly RecordBatch[])[];
  readonly batches: readonly RecordBatch[];
  #release: (() => void) | undefined;

  constructor(info: DatasetInfo, schema: Schema, parts: readonly (readonly RecordBatch[])[], release: () => void) {
    this.name = info.name;
    this.version = info.version;
    this.state = info.state;
    this.rows = info.rows;
    this.schema = schema;
    this.parts = parts;
    this.batches = parts.flat();
    this.#release = release;
  }

  get metadata(): ReadonlyMap<string, string> {
    return this.schema.metadata;
  }

  column(name: string): readonly NumericArray[] {
    return this.batches.map((batch) => numericColumn(batch, name));
  }

  close(): void {
    forgotten.unregister(this);
    this.#release?.();
    this.#release = undefined;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
