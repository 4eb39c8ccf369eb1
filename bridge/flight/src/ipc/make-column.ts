import { Data, type DataType, type Vector } from "apache-arrow";

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
