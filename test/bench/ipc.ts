import {
  type Data,
  makeData,
  type RecordBatch,
  RecordBatchReader,
  Table,
  tableFromArrays,
  Utf8,
  type Vector,
  vectorFromArray,
} from "apache-arrow";
import { batchesOf, encodeSchema, joinStream, messagesOf, splitStream } from "arrow-flight-node/ipc";
import { type BenchRow, compare, type RoomOptions } from "./measure.js";

export const room =
  "Decoding IPC messages, validated in full, against apache-arrow's own reader, which validates nothing";

const batchesAStream = 64;

/** Microseconds a batch, for several shapes. Both sides decode the same stream, and look at each column's first buffer. */
export async function* rows({ rounds }: RoomOptions): AsyncGenerator<BenchRow> {
  for (const [name, table, target] of [
    ["4 float64 columns × 2,048 rows", numbers(4, 2_048), 1],
    ["4 float64 columns × 32,768 rows", numbers(4, 32_768), 1],
    ["40 float64 columns × 2,048 rows", numbers(40, 2_048), 1],
    ["4 float64 columns with nulls × 32,768 rows", withNulls(4, 32_768), 0.3],
    ["a dictionary of 1,000 words × 32,768 rows", new Table({ word: words(32_768) }), 0.1],
    ["100,000 strings", strings(100_000), 0.02],
  ] as const) {
    const stream = streamOf(table);
    const [schema, ...messages] = splitStream(stream);
    yield await compare({
      name,
      unit: "µs/batch",
      peer: "apache-arrow's RecordBatchReader",
      target,
      rounds,
      smallerIsBetter: true,
      ours: () => timed(() => batchesOf(schema!.header, messages)),
      peers: () => timed(() => RecordBatchReader.from(stream) as Iterable<RecordBatch>),
    });
  }
}

/** The same work again and again for a tenth of a second or more: microseconds a batch. */
function timed(open: () => Iterable<RecordBatch>): number {
  const until = performance.now() + 100;
  const began = performance.now();
  let count = 0;
  do {
    for (const { data } of open()) {
      for (const column of data.children) if (column.length < 0) throw new Error("never");
      count += 1;
    }
  } while (performance.now() < until);
  return ((performance.now() - began) * 1000) / count;
}

function numbers(columns: number, rows: number): Table {
  const column = Float64Array.from({ length: rows }, (_, i) => i / 4);
  return tableFromArrays(Object.fromEntries(Array.from({ length: columns }, (_, i) => [`c${i}`, column])));
}

function withNulls(columns: number, rows: number): Table {
  const { type, data } = numbers(1, rows).getChildAt(0)!;
  const nullBitmap = new Uint8Array(rows / 8).fill(0xf7);
  const column = makeData({
    type,
    length: rows,
    nullCount: rows / 8,
    nullBitmap,
    data: data[0]!.values,
  } as never) as Data;
  return new Table(Object.fromEntries(Array.from({ length: columns }, (_, i) => [`c${i}`, column])) as never);
}

function words(rows: number): Vector {
  return vectorFromArray(Array.from({ length: rows }, (_, i) => `word ${i % 1_000}`));
}

function strings(rows: number): Table {
  return new Table({
    text: vectorFromArray(
      Array.from({ length: rows }, (_, i) => `the value ${i}`),
      new Utf8(),
    ),
  });
}

/** A stream of the table's batch again and again, in memory that begins at a multiple of 64, as messages from the wire do. */
function streamOf(table: Table): Uint8Array {
  const [batch] = table.batches;
  const batches = Array.from({ length: batchesAStream }, () => batch!);
  const schema = { header: encodeSchema(table.schema), body: [] };
  const pieces = Buffer.concat([...joinStream([schema, ...messagesOf(batches)])]);
  const stream = new Uint8Array(new ArrayBuffer(pieces.byteLength));
  stream.set(pieces);
  return stream;
}
