import { type Data, DataType, Message, makeData, RecordBatch, type Schema, Struct, Vector } from "apache-arrow";
import { VectorLoader } from "apache-arrow/visitor/vectorloader";
import { FlightError } from "../error.js";
import { layOut } from "./batch-layout.js";
import { checkValues } from "./check-values.js";
import { decompress } from "./decompress.js";
import type { IpcMessage } from "./encapsulate.js";
import { malformed } from "./flatbuffer.js";
import { type BatchShape, readMessage } from "./read-message.js";

/** The schema of a schema message's header. Throws INVALID_ARGUMENT for other messages, UNIMPLEMENTED for types that apache-arrow lacks. */
export function decodeSchema(header: Uint8Array): Schema {
  const { kind } = readMessage(header);
  if (kind !== "schema") throw malformed(`is a ${kind} where a schema belongs`);
  try {
    return Message.decode(header).header() as Schema;
  } catch (cause) {
    throw new FlightError("UNIMPLEMENTED", `The schema cannot be read: ${FlightError.from(cause).message}.`, {
      hint: "Pass its messages on undecoded, or have the writer use another type.",
      cause,
    });
  }
}

export interface BatchDecoderOptions {
  /** The most bytes that one compressed batch may decode to: 1 GiB by default. Uncompressed batches are not limited here. */
  maxDecodedBytes?: number | undefined;
}

/**
 * Turns the messages of one stream into record batches, one by one and without copying: a batch's columns are views of its
 * message's body. (A body that is compressed with LZ4 or zstd is decoded, and one that is not 8-byte aligned copied first.)
 * Keeps the dictionaries that came so far.
 */
export class BatchDecoder {
  readonly schema: Schema;
  readonly #types: readonly DataType[];
  readonly #dictionaries = new Map<number, Vector>();
  readonly #maxDecodedBytes: number;

  /** `schema` is the stream's schema, or its message's header. */
  constructor(schema: Schema | Uint8Array, options: BatchDecoderOptions = {}) {
    this.#maxDecodedBytes = options.maxDecodedBytes ?? 1 << 30;
    this.schema = schema instanceof Uint8Array ? decodeSchema(schema) : schema;
    this.#types = this.schema.fields.map((field) => field.type);
  }

  /** Returns the batch of a record batch message, undefined for a dictionary. Throws INVALID_ARGUMENT for a message that does not fit the schema. */
  decode({ header, body }: IpcMessage): RecordBatch | undefined {
    const message = readMessage(header, body);
    switch (message.kind) {
      case "recordBatch": {
        const children = this.#load(this.#types, message, body, message.version);
        this.#requireDictionaries(children);
        checkValues(children, this.#dictionaries);
        const type = new Struct(this.schema.fields);
        return new RecordBatch(this.schema, makeData({ type, length: message.rows, nullCount: 0, children }));
      }
      case "dictionaryBatch": {
        const id = Number(message.id);
        const type = this.schema.dictionaries.get(id);
        if (type === undefined) throw malformed(`is the dictionary ${id}, which its schema does not know`);
        const values = this.#load([type], message, body, message.version);
        this.#requireDictionaries(values);
        checkValues(values, this.#dictionaries);
        const added = new Vector(values);
        const earlier = this.#dictionaries.get(id);
        this.#dictionaries.set(id, (message.isDelta && earlier ? earlier.concat(added) : added).memoize());
        return undefined;
      }
      default:
        throw malformed(`is a ${message.kind} where a batch belongs`);
    }
  }

  #load(types: readonly DataType[], shape: BatchShape, body: Uint8Array, version: 4 | 5): Data[] {
    const plain = decompress(shape, body, this.#maxDecodedBytes);
    const aligned = plain.body.byteOffset % 8 === 0 ? plain.body : new Uint8Array(plain.body);
    const regions = layOut(types, plain.shape, aligned, version);
    const { nodes, variadicCounts } = shape;
    // The metadata version's number is one less than its name says: V5 is 4.
    const loader = new VectorLoader(aligned, nodes, regions, this.#dictionaries, version - 1, variadicCounts);
    return loader.visitMany([...types]);
  }

  #requireDictionaries(columns: readonly Data[]): void {
    for (const { type, length, nullCount, children } of columns) {
      if (DataType.isDictionary(type) && length > nullCount && !this.#dictionaries.has(type.id)) {
        throw malformed(`comes before the dictionary ${type.id} that it needs`);
      }
      this.#requireDictionaries(children);
    }
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
}
