import { type Data, Message, type RecordBatch, type Schema, type Vector } from "apache-arrow";
import { BufferRegion, DictionaryBatch, RecordBatch as MessageRecordBatch } from "apache-arrow/ipc/metadata/message";
import { FlightError } from "../error.js";
import { ColumnAssembler } from "./column-assembler.js";
import type { IpcMessageOut } from "./encapsulate.js";

const padding = new Uint8Array(64);

/** The header of the schema message for `schema`. */
export function encodeSchema(schema: Schema): Uint8Array {
  return Message.encode(Message.from(schema));
}

/** How batches are encoded. */
export interface BatchEncoderOptions {
  /** The most bytes of one message, header and body. Larger batches and dictionaries go out in several, split by rows. No limit by default. */
  maxMessageBytes?: number | undefined;
  /** At which multiple of bytes buffers begin in a body: 8, the least that readers need, by default; or 64, as Arrow recommends. */
  alignment?: 8 | 64 | undefined;
}

/** Rows that go into one message, and what their columns take there. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly columns: ColumnAssembler;
}

/**
 * Turns record batches of one stream into its messages. Bodies are pieces of the batches' own memory, not copies. A
 * dictionary goes out before the first batch that needs it, again as a whole when it was replaced, and as a delta when it grew.
 */
export class BatchEncoder {
  readonly #sent = new Map<number, Vector>();
  readonly #limit: number;
  readonly #alignment: 8 | 64;

  /** For one stream: it remembers which dictionaries have gone out. */
  constructor(options: BatchEncoderOptions = {}) {
    this.#limit = options.maxMessageBytes ?? Number.POSITIVE_INFINITY;
    this.#alignment = options.alignment ?? 8;
  }

  /** The messages for `batch`: the dictionaries that are missing, then the batch. Throws RESOURCE_EXHAUSTED for a row over the limit. */
  *encode(batch: RecordBatch): Generator<IpcMessageOut> {
    for (const [id, dictionary] of batch.dictionaries) yield* this.#dictionary(id, dictionary);
    const columnsOf = (from: number, to: number) =>
      (from === 0 && to === batch.numRows ? batch : batch.slice(from, to)).data.children;
    for (const { from, to, columns } of this.#pieces(columnsOf, batch.numRows)) {
      yield encodeColumns(columns, to - from, this.#alignment);
    }
  }

  *#dictionary(id: number, dictionary: Vector): Generator<IpcMessageOut> {
    const chunks = dictionary.data;
    const earlier = this.#sent.get(id)?.data ?? [];
    const grown = earlier.length > 0 && earlier.every((chunk, i) => chunk === chunks[i]);
    for (const [index, chunk] of chunks.entries()) {
      if (grown && index < earlier.length) continue;
      const columnsOf = (from: number, to: number) => [
        to - from === chunk.length ? chunk : chunk.slice(from, to - from),
      ];
      for (const { from, to, columns } of this.#pieces(columnsOf, chunk.length)) {
        yield encodeColumns(columns, to - from, this.#alignment, { id, isDelta: index > 0 || from > 0 });
      }
    }
    this.#sent.set(id, dictionary);
  }

  /** Ranges of rows that fit into a message each, in order. */
  *#pieces(columnsOf: (from: number, to: number) => Data[], rows: number): Generator<Piece> {
    const open: [number, number][] = [[0, rows]];
    for (let range = open.pop(); range !== undefined; range = open.pop()) {
      const [from, to] = range;
      const columns = ColumnAssembler.of(columnsOf(from, to));
      const size = sizeOf(columns, this.#alignment);
      if (size <= this.#limit) yield { from, to, columns };
      else if (to - from > 1) {
        const middle = (from + to) >>> 1;
        open.push([middle, to], [from, middle]);
      } else throw rowTooLong(size, this.#limit);
    }
  }
}

/** The messages of a stream of batches, without the schema's; see BatchEncoder. */
export function* messagesOf(
  batches: Iterable<RecordBatch>,
  options: BatchEncoderOptions = {},
): Generator<IpcMessageOut> {
  const encoder = new BatchEncoder(options);
  for (const batch of batches) yield* encoder.encode(batch);
}

/**
 * An upper bound of the message's bytes: its body, and a header of 16 bytes a node and a buffer around a fixed part. The
 * assembler has padded buffers to 8 bytes each.
 */
function sizeOf({ nodes, buffers, byteLength, variadicBufferCounts }: ColumnAssembler, alignment: number): number {
  const padded = byteLength + (alignment - 8) * buffers.length;
  return padded + 16 * (nodes.length + buffers.length) + 8 * variadicBufferCounts.length + 256;
}

function encodeColumns(
  { nodes, buffers, variadicBufferCounts }: ColumnAssembler,
  rows: number,
  alignment: 8 | 64,
  dictionary?: { id: number; isDelta: boolean },
): IpcMessageOut {
  const body: Uint8Array[] = [];
  const regions: BufferRegion[] = [];
  let end = 0;
  for (const { buffer, byteOffset, byteLength: length } of buffers) {
    regions.push(new BufferRegion(end, length + (-length & 7)));
    if (length === 0) continue;
    body.push(new Uint8Array(buffer, byteOffset, length));
    const missing = -length & (alignment - 1);
    if (missing > 0) body.push(padding.subarray(0, missing));
    end += length + missing;
  }
  const batch = new MessageRecordBatch(rows, nodes, regions, null, variadicBufferCounts);
  const content = dictionary === undefined ? batch : new DictionaryBatch(batch, dictionary.id, dictionary.isDelta);
  return { header: Message.encode(Message.from(content, end)), body };
}

function rowTooLong(bytes: number, limit: number): FlightError {
  return new FlightError(
    "RESOURCE_EXHAUSTED",
    `One row makes a message of ${bytes} bytes, over the limit of ${limit}.`,
    {
      hint: "Split its values, or raise maxMessageBytes here and at the receiver.",
    },
  );
}
