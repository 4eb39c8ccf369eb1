import { type RecordBatch, type Schema, Table, type TypeMap } from "apache-arrow";
import { FlightError } from "./error.js";
import { batchFitter } from "./fit-batch.js";
import { BatchDecoder, type BatchDecoderOptions } from "./ipc/batch-decoder.js";
import { BatchEncoder, encodeSchema } from "./ipc/batch-encoder.js";
import { zstdReady } from "./ipc/zstd.js";
import type { FlightData, FlightDataOut, FlightDescriptor, Streamable } from "./messages.js";
import { type AnyColumns, requireSchema } from "./schema.js";

/** A batch with the app_metadata of its message, or app_metadata of a message that has no batch. Absent metadata are empty. */
export interface BatchChunk<T extends TypeMap = AnyColumns> {
  batch?: RecordBatch<T> | undefined;
  appMetadata: Uint8Array;
}

/** A schema and batches of it, to be sent, with app_metadata where that is wanted. An apache-arrow Table is one. */
export interface BatchSource<T extends TypeMap = AnyColumns> {
  schema: Schema<T>;
  batches: Streamable<RecordBatch<NoInfer<T>> | BatchChunk<NoInfer<T>>>;
}

/**
 * A schema and the batches that follow, as they arrive: as `batches`, or as `chunks` where app_metadata matter. One of the two may be iterated,
 * once; leaving the loop early cancels the call.
 */
export interface BatchStream<T extends TypeMap = AnyColumns> {
  schema: Schema<T>;
  /** What the sender calls the stream: in a handler of DoPut or DoExchange. */
  descriptor: FlightDescriptor | undefined;
  batches: AsyncIterable<RecordBatch<T>>;
  chunks: AsyncIterable<BatchChunk<T>>;
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
 * The messages that carry `source`: its schema, then its dictionaries and batches, none of them copied. The app_metadata of a batch that goes out
 * in several messages are with the last. Throws INVALID_ARGUMENT for a batch of another schema, RESOURCE_EXHAUSTED for one row that is over
 * `maxMessageBytes`.
 */
export async function* encodeBatches<T extends TypeMap = AnyColumns>(
  source: BatchSource<T>,
  { maxMessageBytes = 256 << 20 }: EncodeOptions = {},
): AsyncGenerator<FlightDataOut> {
  yield { header: encodeSchema(source.schema) };
  const encoder = new BatchEncoder({ maxMessageBytes: maxMessageBytes - wrapping });
  const fit = batchFitter(source.schema);
  for await (const item of source.batches) {
    const { batch, appMetadata } = "appMetadata" in item ? item : { batch: item, appMetadata: undefined };
    let last: FlightDataOut | undefined;
    for (const message of batch === undefined ? [] : encoder.encode(fit(batch))) {
      if (last !== undefined) yield last;
      last = message;
    }
    if (last !== undefined || appMetadata !== undefined) yield { ...last, appMetadata };
  }
}

/**
 * Reads the schema and gives the batches after it, not copied, as they arrive. Messages of app_metadata alone that come before the schema
 * are passed over. Throws INVALID_ARGUMENT for messages that break the IPC format, or do not fit the schema or the one that is expected.
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
  try {
    const { header, descriptor } = await readHead(iterator);
    const decoder = new BatchDecoder(header, options);
    if (expect !== undefined) requireSchema(decoder.schema, expect);
    const batches = decodeAll(decoder, iterator, (batch) => batch);
    return { schema: decoder.schema, descriptor, batches, chunks: decodeAll(decoder, iterator, chunkOf) };
  } catch (reason) {
    await iterator.return?.();
    throw reason;
  }
}

/** All of a stream, in memory: the stream's own error when it fails. */
export async function collectTable<T extends TypeMap = AnyColumns>(
  stream: Pick<BatchStream<T>, "schema" | "batches">,
): Promise<Table<T>> {
  const batches: RecordBatch<T>[] = [];
  for await (const batch of stream.batches) batches.push(batch);
  return new Table<T>(stream.schema, batches);
}

/** The header of the first message that has one, and the descriptor that came until then. */
async function readHead(iterator: AsyncIterator<FlightData>): Promise<Pick<FlightData, "header" | "descriptor">> {
  let descriptor: FlightDescriptor | undefined;
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) {
      throw new FlightError("INVALID_ARGUMENT", "The stream ended without a schema.", {
        hint: "Send the schema first, even before no batches.",
      });
    }
    descriptor ??= value.descriptor;
    if (value.header.byteLength > 0) return { header: value.header, descriptor };
  }
}

/** A batch of zstd may have to wait for its decoder. */
function decodeReady(
  decoder: BatchDecoder,
  message: FlightData,
): RecordBatch | undefined | Promise<RecordBatch | undefined> {
  try {
    return decoder.decode(message);
  } catch (reason) {
    if (!(reason instanceof FlightError) || reason.code !== "UNAVAILABLE") throw reason;
    return Promise.resolve(zstdReady).then(() => decoder.decode(message));
  }
}

async function* decodeAll<Item>(
  decoder: BatchDecoder,
  iterator: AsyncIterator<FlightData>,
  itemOf: (batch: RecordBatch | undefined, message: FlightData) => Item | undefined,
): AsyncGenerator<Item> {
  try {
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      const message = next.value;
      const decoded = message.header.byteLength === 0 ? undefined : decodeReady(decoder, message);
      const item = itemOf(decoded instanceof Promise ? await decoded : decoded, message);
      if (item !== undefined) yield item;
    }
    decoder.finish();
  } finally {
    await iterator.return?.();
  }
}

function chunkOf(batch: RecordBatch | undefined, { header, appMetadata }: FlightData): BatchChunk | undefined {
  // Go's writer repeats a batch's app_metadata on the dictionaries before it.
  const alone = header.byteLength === 0 && appMetadata.byteLength > 0;
  return batch !== undefined || alone ? { batch, appMetadata } : undefined;
}
