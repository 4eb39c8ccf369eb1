import type { RecordBatch, Schema } from "apache-arrow";
import { FlightError } from "./error.js";
import { BatchDecoder } from "./ipc/batch-decoder.js";
import { BatchEncoder, type BatchEncoderOptions, encodeSchema } from "./ipc/batch-encoder.js";
import { zstdReady } from "./ipc/zstd.js";
import type { FlightData, FlightDataOut, Streamable } from "./messages.js";

/** A schema and batches of it, to be sent. An apache-arrow Table is one. */
export interface BatchSource {
  schema: Schema;
  batches: Streamable<RecordBatch>;
}

/** A schema and the batches that follow, as they arrive. */
export interface BatchStream {
  schema: Schema;
  batches: AsyncIterable<RecordBatch>;
}

/** What a receiver of this package takes unless told otherwise, less what gRPC and Flight put around a message. */
const defaultMessageBytes = (256 << 20) - 4096;

/**
 * The messages that carry `source`: its schema, then its dictionaries and batches, none of them copied. Batches larger than
 * `maxMessageBytes` (256 MiB by default) go out in pieces, split by rows.
 */
export async function* encodeBatches(
  source: BatchSource,
  options: BatchEncoderOptions = {},
): AsyncGenerator<FlightDataOut> {
  yield { header: encodeSchema(source.schema) };
  const encoder = new BatchEncoder({ maxMessageBytes: options.maxMessageBytes ?? defaultMessageBytes });
  for await (const batch of source.batches) yield* encoder.encode(batch);
}

/**
 * Reads the schema and gives the batches after it, not copied, as they arrive. Messages of app_metadata alone are passed
 * over. Throws INVALID_ARGUMENT for messages that break the IPC format or do not fit the schema.
 */
export async function decodeBatches(messages: AsyncIterable<FlightData>): Promise<BatchStream> {
  const iterator = messages[Symbol.asyncIterator]();
  await zstdReady;
  for (;;) {
    const { done, value } = await iterator.next();
    if (done) {
      throw new FlightError("INVALID_ARGUMENT", "The stream ended without a schema.", {
        hint: "Send the schema first, even before no batches.",
      });
    }
    if (value.header.byteLength === 0) continue;
    const decoder = new BatchDecoder(value.header);
    return { schema: decoder.schema, batches: decodeAll(decoder, iterator) };
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
