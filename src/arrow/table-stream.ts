import { type RecordBatch, Schema, Table } from "apache-arrow";
import {
  BatchDecoder,
  BatchEncoder,
  encapsulate,
  encodeSchema,
  type IpcMessageOut,
  splitStream,
} from "arrow-flight-node/ipc";

/** The bytes of an Arrow IPC stream before they are written: views of a table's own buffers, and what goes between them. */
export interface TableStream {
  readonly pieces: readonly Uint8Array[];
  readonly byteLength: number;
}

/** At which multiple of bytes from the stream's begin each buffer lies. */
const alignment = 64;
/** Where the header of a message begins: behind the continuation mark and its length. */
const prefix = 8;

/**
 * A table, or a single record batch, as an IPC stream whose buffers lie at multiples of 64 bytes from its begin. Numbers are
 * not copied; of columns that are slices, only what their rows use goes along.
 */
export function tableStream(value: Table | RecordBatch): TableStream {
  const stream = new StreamPieces();
  const batches = "batches" in value ? value.batches : [value];
  stream.add({ header: encodeSchema(value.schema), body: [] });
  const encoder = new BatchEncoder({ alignment });
  for (const batch of batches) for (const message of encoder.encode(batch)) stream.add(message);
  stream.end();
  return stream;
}

/**
 * The table that a stream made by `tableStream` in this process stands for: its columns are views of the bytes, however many
 * there are. The contents are not checked again.
 */
export function openTable(bytes: Uint8Array): Table {
  let schema: Schema | undefined;
  let decoder: BatchDecoder | undefined;
  const batches: RecordBatch[] = [];
  for (const message of splitStream(bytes)) {
    if (decoder === undefined) {
      decoder = new BatchDecoder(message.header, { checkContents: false });
      schema = decoder.schema;
      continue;
    }
    const batch = decoder.decode(message);
    if (batch !== undefined) batches.push(batch);
  }
  return batches.length === 0 ? new Table(schema ?? new Schema()) : new Table(schema!, batches);
}

/** The same for the stream of a single record batch. */
export function openBatch(bytes: Uint8Array): RecordBatch {
  return openTable(bytes).batches[0]!;
}

class StreamPieces implements TableStream {
  readonly pieces: Uint8Array[] = [];
  byteLength = 0;

  /** The header is padded, so that the body begins at a multiple of 64. */
  add({ header, body }: IpcMessageOut): void {
    const missing = -(this.byteLength + prefix + header.byteLength) & (alignment - 1);
    const padded = new Uint8Array(header.byteLength + missing);
    padded.set(header);
    this.#push(encapsulate(padded));
    for (const piece of body instanceof Uint8Array ? [body] : body) this.#push(piece);
  }

  end(): void {
    this.#push(encapsulate(new Uint8Array(0)));
  }

  #push(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.pieces.push(piece);
    this.byteLength += piece.byteLength;
  }
}
