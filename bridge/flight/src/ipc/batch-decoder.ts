import { type Data, type RecordBatch, type Schema, Struct, Vector } from "apache-arrow";
import type { ColumnPlan, SchemaPlan } from "./column-plan.js";
import { readColumns } from "./column-reader.js";
import { DecodeBudget } from "./decode-budget.js";
import { planOf } from "./decode-schema.js";
import { decompress } from "./decompress.js";
import type { IpcMessage } from "./encapsulate.js";
import { malformed } from "./flatbuffer.js";
import { makeBatch, makeColumn } from "./make-column.js";
import { type BatchShape, readMessage } from "./read-message.js";

/** How batches are decoded. */
export interface BatchDecoderOptions {
  /**
   * The most bytes that one message may make besides its own: decompressed buffers, and copies of columns that apache-arrow cannot
   * read as they lie. 1 GiB by default.
   */
  maxDecodedBytes?: number | undefined;
  /**
   * Whether what lies in the buffers is checked: that text is UTF-8, offsets grow, indices are in their dictionary and so on, which
   * reads all of it. True by default; false only for what this program has encoded itself. That buffers lie inside of the message
   * is checked either way.
   */
  checkContents?: boolean | undefined;
}

/**
 * Turns the messages of one stream into record batches, one by one and without copying: a batch's columns are views of its
 * message's body. Keeps the dictionaries that came so far.
 *
 * Copied are: bodies that are compressed with LZ4 or zstd, or not 8-byte aligned; list views that are not in order (they read as
 * lists), run-end encoded columns (they read as columns of their values) and dictionary indices of 64 bits (they read as Int32).
 */
export class BatchDecoder {
  /** The schema in the types as which batches read. */
  readonly schema: Schema;
  readonly #plan: SchemaPlan;
  readonly #type: Struct;
  readonly #dictionaries = new Map<number, Vector>();
  readonly #maxDecodedBytes: number;
  readonly #checkContents: boolean;

  /** `schema` is the header of the stream's schema message, or what decodeSchema made of it. Throws as decodeSchema does. */
  constructor(schema: Schema | Uint8Array, options: BatchDecoderOptions = {}) {
    this.#plan = planOf(schema);
    this.schema = this.#plan.schema;
    this.#type = new Struct(this.schema.fields);
    this.#maxDecodedBytes = options.maxDecodedBytes ?? 1 << 30;
    this.#checkContents = options.checkContents ?? true;
  }

  /**
   * Returns the batch of a record batch message, undefined for a dictionary. Throws INVALID_ARGUMENT for a message that does not
   * fit the schema or holds values that the format forbids, RESOURCE_EXHAUSTED for one that makes more than maxDecodedBytes.
   */
  decode({ header, body }: IpcMessage): RecordBatch | undefined {
    const message = readMessage(header, body);
    switch (message.kind) {
      case "recordBatch": {
        this.#requireDictionaries();
        const columns = this.#read(this.#plan.columns, message, body, message.version);
        return makeBatch(this.schema, makeColumn(this.#type, message.rows, 0, [], columns) as Data<Struct>);
      }
      case "dictionaryBatch": {
        const id = Number(message.id);
        const plan = this.#plan.dictionaries.get(id);
        if (plan === undefined) throw malformed(`is the dictionary ${id}, which its schema does not know`);
        const earlier = this.#dictionaries.get(id);
        if (message.isDelta && earlier === undefined)
          throw malformed(`is a delta of the dictionary ${id}, which did not come`);
        const added = new Vector(this.#read([plan], message, body, message.version));
        this.#dictionaries.set(id, (message.isDelta && earlier ? earlier.concat(added) : added).memoize());
        return undefined;
      }
      default:
        throw malformed(`is a ${message.kind} where a batch belongs`);
    }
  }

  /** To be called at the end of the stream. Throws INVALID_ARGUMENT when some of its dictionaries came, and not all. */
  finish(): void {
    if (this.#dictionaries.size > 0) this.#requireDictionaries();
  }

  #requireDictionaries(): void {
    if (this.#dictionaries.size === this.#plan.dictionaries.size) return;
    for (const id of this.#plan.dictionaries.keys()) {
      if (!this.#dictionaries.has(id))
        throw malformed(`comes before the dictionary ${id} that its schema needs, or is the last`);
    }
  }

  #read(plans: readonly ColumnPlan[], shape: BatchShape, body: Uint8Array, version: 4 | 5): Data[] {
    const budget = new DecodeBudget(this.#maxDecodedBytes);
    const plain = decompress(shape, body, budget);
    const aligned = plain.body.byteOffset % 8 === 0 ? plain.body : new Uint8Array(plain.body);
    const batch = { shape: plain.shape, body: aligned, version, checkContents: this.#checkContents };
    return readColumns(plans, batch, this.#dictionaries, budget);
  }
}

/** The record batches of a stream's messages, lazily and without copying; see BatchDecoder. */
export function* batchesOf(
  schema: Schema | Uint8Array,
  messages: Iterable<IpcMessage>,
  options: BatchDecoderOptions = {},
): Generator<RecordBatch> {
  const decoder = new BatchDecoder(schema, options);
  for (const message of messages) {
    const batch = decoder.decode(message);
    if (batch !== undefined) yield batch;
  }
  decoder.finish();
}
