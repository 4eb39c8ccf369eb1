import type { RecordBatch, Schema } from "apache-arrow";
import { BatchDecoder, BatchEncoder, readMessage } from "arrow-flight-node/ipc";
import { RayflightError } from "../error.js";
import { reading } from "./failure.js";

/** What a store must know of one message. */
export interface BatchHeader {
  readonly kind: "recordBatch" | "dictionaryBatch";
  /** Rows of a record batch; 0 for a dictionary. */
  readonly rows: number;
}

/** One IPC message: its flatbuffer without prefix, and its body. */
export interface BatchMessage {
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** Validates a record batch or dictionary batch message, its buffers against the length of its body. Throws INVALID_ARGUMENT. */
export function readBatchHeader(header: Uint8Array, body: Uint8Array): BatchHeader {
  const message = reading(() => readMessage(header, body));
  if (message.kind === "recordBatch") return { kind: "recordBatch", rows: message.rows };
  if (message.kind === "dictionaryBatch") return { kind: "dictionaryBatch", rows: 0 };
  throw new RayflightError("INVALID_ARGUMENT", `A ${message.kind} came where a record batch belongs.`, {
    hint: "Send the schema once, and then record batches.",
  });
}

/**
 * The record batches of the messages of one part, in order. Nothing is copied: columns are views of the bodies, shared
 * memory included. Throws INVALID_ARGUMENT for messages that do not fit the schema.
 */
export function decodeBatches(schema: Schema, messages: Iterable<BatchMessage>): RecordBatch[] {
  const decode = batchDecoder(schema);
  const batches: RecordBatch[] = [];
  for (const message of messages) {
    const batch = decode(message);
    if (batch !== undefined) batches.push(batch);
  }
  return batches;
}

/** A function that decodes the messages of one part one by one, and returns undefined for dictionaries. */
export function batchDecoder(schema: Schema): (message: BatchMessage) => RecordBatch | undefined {
  const decoder = new BatchDecoder(schema);
  return ({ header, body }) => reading(() => decoder.decode({ header, body }));
}

/** A function that encodes batches of one stream one by one: dictionaries first where they are needed. Bodies are in fresh memory. */
export function batchEncoder(): (batch: RecordBatch) => BatchMessage[] {
  const encoder = new BatchEncoder();
  return (batch) => Array.from(encoder.encode(batch), ({ header, body }) => ({ header, body: join(body) }));
}

/** Joins in shared memory, so that handing the body to another thread costs no further copy. */
function join(body: Uint8Array | readonly Uint8Array[]): Uint8Array {
  const pieces = body instanceof Uint8Array ? [body] : body;
  const joined = new Uint8Array(new SharedArrayBuffer(pieces.reduce((sum, { length }) => sum + length, 0)));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}
