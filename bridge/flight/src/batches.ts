import { type RecordBatch, type Schema, Table, type TypeMap } from "apache-arrow";
import { FlightError } from "./error.js";
import { BatchDecoder, type BatchDecoderOptions } from "./ipc/batch-decoder.js";
import { BatchEncoder, encodeSchema } from "./ipc/batch-encoder.js";
import { zstdReady } from "./ipc/zstd.js";
import type { FlightData, FlightDataOut, Streamable } from "./messages.js";
import { type AnyColumns, requireSchema } from "./schema.js";

/** A schema and batches of it, to be sent. An apache-arrow Table is one. */
export interface BatchSource<T extends TypeMap = AnyColumns> {
  schema: Schema<T>;
  batches: Streamable<RecordBatch<NoInfer<T>>>;
}

/** A schema and the batches that follow, as they arrive. `batches` may be iterated once; leaving the loop early cancels the call. */
export interface BatchStream<T extends TypeMap = AnyColumns> {
  schema: Schema<T>;
  batches: AsyncIterable<RecordBatch<T>>;
}

/** The schema that must come, which gives the stream its type. */
export interface Expected<T extends TypeMap> {
  /** Names, order and types of the columns must be these, or reading throws INVALID_ARGUMENT and names the first difference. */
  expect: Schema<T>;
}

/** How batches are sent. */
export interface EncodeOptions {
  /** The most bytes of one message, as its receiver counts. Larger batches and dictionaries go out in several, split by rows. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
}

/** What Flight puts around an IPC message without descriptor or app_metadata: the tags and lengths of two fields. */
const wrapping = 64;

/**
 * The messages that carry `source`: its schema, then its dictionaries and batches, none of them copied. Throws RESOURCE_EXHAUSTED for
 * one row that is over `maxMessageBytes`.
 */
export async function* encodeBatches<T extends TypeMap = AnyColumns>(
  source: BatchSource<T>,
  { maxMessageBytes = 256 << 20 }: EncodeOptions = {},
): AsyncGenerator<FlightDataOut> {
  yield { header: encodeSchema(source.schema) };
  const encoder = new BatchEncoder({ maxMessageBytes: maxMessageBytes - wrapping });
  for await (const batch of source.batches) yield* encoder.encode(batch);
}

/**
 * Reads the schema and gives the batches after it, not copied, as they arrive. Messages of app_metadata alone are passed
 * over. Throws INVALID_ARGUMENT for messages that break the IPC format, or do not fit the schema or the one that is expected.
 */
export function decodeBatches<T extends TypeMap>(
  messages: AsyncIterable<FlightData>,
  options: BatchDecoderOptions & Expected<T>,
): Promise<BatchStream<T>>;
export function decodeBatches(messages: AsyncIterable<FlightData>, options?: BatchDecoderOptions): Promise<BatchStream>;
export async function decodeBatches(
  messages: AsyncIterable<FlightData>,
  { expect, ...options }: BatchDecoderOptions & Partial<Expected<AnyColumns>> = {},
): Promise<BatchStream> {
  const iterator = messages[Symbol.asyncIterator]();
  await zstdReady;
  try {
    const decoder = new BatchDecoder(await firstHeader(iterator), options);
    if (expect !== undefined) requireSchema(decoder.schema, expect);
    return { schema: decoder.schema, batches: decodeAll(decoder, iterator) };
  } catch (reason) {
    await iterator.return?.();
    throw reason;
  }
}

/** All of a stream, in memory: the stream's own error when it fails. */
export async function collectTable<T extends TypeMap = AnyColumns>(stream: BatchStream<T>): Promise<Table<T>> {
  const batches: RecordBatch<T>[] = [];
  for await (const batch of stream.batches) batches.push(batch);
  return new Table<T>(stream.schema, batches);
}

async function firstHeader(iterator: AsyncIterator<FlightData>): Promise<Uint8Array> {
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) {
      throw new FlightError("INVALID_ARGUMENT", "The stream ended without a schema.", {
        hint: "Send the schema first, even before no batches.",
      });
    }
    if (value.header.byteLength > 0) return value.header;
  }
}

async function* decodeAll(decoder: BatchDecoder, iterator: AsyncIterator<FlightData>): AsyncGenerator<RecordBatch> {
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      if (next.value.header.byteLength === 0) continue;
      const batch = decoder.decode(next.value);
      if (batch !== undefined) yield batch;
    }
  } finally {
    await iterator.return?.();
  }
}
