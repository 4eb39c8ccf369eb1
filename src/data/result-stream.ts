import { RecordBatch, type Schema } from "apache-arrow";
import { batchEncoder, batchFromColumns, type Columns, encodeSchema, schemaDifference } from "../arrow/index.js";
import type { MethodClient } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { DataMethods, Handle } from "./methods.js";

/** A dataset that this thread grows while others read it. */
export interface ResultStream {
  readonly name: string;
  readonly schema: Schema;
  /**
   * Appends rows; resolves when followers can see them. Need not be awaited: the order is that of the calls, the first failure ends the
   * stream, and `close` rejects with it. Do not change the columns before it resolves.
   */
  append(rows: Columns | RecordBatch): Promise<void>;
  /** Ends the stream: from now on it is a sealed dataset. */
  close(): Promise<void>;
  /** Ends the stream with an error that followers get. */
  fail(reason: unknown): Promise<void>;
}

/** Creates the stream on the node, in place of what had that name. */
export async function createResultStream(
  methods: MethodClient<DataMethods>,
  name: string,
  schema: Schema,
): Promise<ResultStream> {
  const header = encodeSchema(schema);
  const handle = await methods.call("data.createStream", { name, schema: header });
  return new ClientStream(methods, handle, name, schema, header);
}

class ClientStream implements ResultStream {
  readonly name: string;
  readonly schema: Schema;
  readonly #methods: MethodClient<DataMethods>;
  readonly #handle: Handle;
  readonly #header: Uint8Array;
  readonly #encode = batchEncoder();
  #failure: unknown;

  constructor(methods: MethodClient<DataMethods>, handle: Handle, name: string, schema: Schema, header: Uint8Array) {
    this.#methods = methods;
    this.#handle = handle;
    this.name = name;
    this.schema = schema;
    this.#header = header;
  }

  append(rows: Columns | RecordBatch): Promise<void> {
    const appended = this.#append(rows);
    appended.catch((reason) => {
      this.#failure ??= reason;
    });
    return appended;
  }

  async close(): Promise<void> {
    try {
      await this.#methods.call("data.closeStream", this.#handle);
    } catch (reason) {
      throw this.#failure ?? reason;
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  async fail(reason: unknown): Promise<void> {
    const error = RayflightError.from(reason).toRecord();
    await this.#methods.call("data.failStream", { stream: this.#handle, error });
  }

  async #append(rows: Columns | RecordBatch): Promise<void> {
    const messages = this.#encode(this.#batch(rows));
    // All are posted before any is awaited: another append must not come between a dictionary and its batch.
    await Promise.all(
      messages.map((message) => this.#methods.call("data.append", { owner: this.#handle, ...message })),
    );
  }

  #batch(rows: Columns | RecordBatch): RecordBatch {
    if (!(rows instanceof RecordBatch)) return batchFromColumns(rows, this.schema);
    const difference =
      rows.schema === this.schema ? undefined : schemaDifference(encodeSchema(rows.schema), this.#header);
    if (difference === undefined) return rows;
    const { field, left, right } = difference;
    throw new RayflightError(
      "INVALID_ARGUMENT",
      `The batch differs from the stream "${this.name}" in the field "${field}": it has ${left}, and the stream has ${right}.`,
      { hint: "Append batches of the stream's schema." },
    );
  }
}
