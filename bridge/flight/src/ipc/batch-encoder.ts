import { Message, type RecordBatch, type Schema, Vector } from "apache-arrow";
import { DictionaryBatch, RecordBatch as MessageRecordBatch } from "apache-arrow/ipc/metadata/message";
import { VectorAssembler } from "apache-arrow/visitor/vectorassembler";
import type { IpcMessageOut } from "./encapsulate.js";

const padding = new Uint8Array(8);

/** The header of the schema message for `schema`. */
export function encodeSchema(schema: Schema): Uint8Array {
  return Message.encode(Message.from(schema));
}

/**
 * Turns record batches of one stream into its messages. Bodies are pieces of the batches' own memory, not copies. A
 * dictionary goes out before the first batch that needs it, again as a whole when it was replaced, and as a delta when it grew.
 */
export class BatchEncoder {
  readonly #sent = new Map<number, Vector>();

  /** The messages for `batch`: the dictionaries that are missing, then the batch. */
  *encode(batch: RecordBatch): Generator<IpcMessageOut> {
    for (const [id, dictionary] of batch.dictionaries) yield* this.#dictionary(id, dictionary);
    yield encodeColumns(batch, batch.numRows);
  }

  *#dictionary(id: number, dictionary: Vector): Generator<IpcMessageOut> {
    const chunks = dictionary.data;
    const earlier = this.#sent.get(id)?.data ?? [];
    const grown = earlier.length > 0 && earlier.every((chunk, i) => chunk === chunks[i]);
    for (const [index, chunk] of chunks.entries()) {
      if (grown && index < earlier.length) continue;
      yield encodeColumns(new Vector([chunk]), chunk.length, { id, isDelta: index > 0 });
    }
    this.#sent.set(id, dictionary);
  }
}

/** The messages of a stream of batches, without the schema's; see BatchEncoder. */
export function* messagesOf(batches: Iterable<RecordBatch>): Generator<IpcMessageOut> {
  const encoder = new BatchEncoder();
  for (const batch of batches) yield* encoder.encode(batch);
}

function encodeColumns(
  columns: RecordBatch | Vector,
  rows: number,
  dictionary?: { id: number; isDelta: boolean },
): IpcMessageOut {
  const { nodes, bufferRegions, buffers, byteLength, variadicBufferCounts } = VectorAssembler.assemble(columns);
  const batch = new MessageRecordBatch(rows, nodes, bufferRegions, null, variadicBufferCounts);
  const content = dictionary === undefined ? batch : new DictionaryBatch(batch, dictionary.id, dictionary.isDelta);
  const body: Uint8Array[] = [];
  for (const { buffer, byteOffset, byteLength: length } of buffers) {
    if (length === 0) continue;
    body.push(new Uint8Array(buffer, byteOffset, length));
    if (length % 8 !== 0) body.push(padding.subarray(length % 8));
  }
  return { header: Message.encode(Message.from(content, byteLength)), body };
}
