import { Data, type DataType, RecordBatch, type Schema, type Struct, type Vector } from "apache-arrow";

type Buffer = ArrayBufferView | undefined;

/** Buffers in apache-arrow's order. */
export type Buffers = readonly [offsets?: Buffer, values?: Buffer, validity?: Buffer, typeIds?: Buffer];

const noData: Data[] = [];
const noBuffers: Uint8Array[] = [];

/** apache-arrow's Data from its first row on, without makeData's guesses: every part is as the caller checked it. */
export function makeColumn(
  type: DataType,
  length: number,
  nullCount: number,
  buffers: Buffers,
  children: Data[] = noData,
  dictionary?: Vector,
  viewed: readonly Uint8Array[] = noBuffers,
): Data {
  return new Data(type, 0, length, nullCount, buffers as never, children, dictionary as never, viewed as Uint8Array[]);
}

/**
 * A batch of columns that all have the struct's length. apache-arrow's constructor makes such a one, too, after it has merged the
 * schema's maps and cloned its fields for columns that were shorter: most of the cost of a small batch.
 */
export function makeBatch(schema: Schema, data: Data<Struct>): RecordBatch {
  const batch = Object.create(RecordBatch.prototype) as {
    schema: Schema;
    data: Data<Struct>;
    _metadata: Map<string, string>;
  };
  batch.schema = schema;
  batch.data = data;
  batch._metadata = new Map();
  return batch as unknown as RecordBatch;
}
