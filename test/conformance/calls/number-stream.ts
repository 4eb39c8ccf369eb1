import { DataType, Field, Int32, makeData, makeVector, RecordBatch, Schema, Struct } from "apache-arrow";
import type { FlightData, FlightDataOut } from "arrow-flight-node";
import { BatchDecoder, BatchEncoder, encodeSchema } from "arrow-flight-node/ipc";
import { text } from "../scenarios/command.js";

const schema = new Schema([new Field("number", new Int32(), false)]);

/** The message that the streams of the calls begin with. */
export function schemaMessage(): FlightDataOut {
  return { header: encodeSchema(schema) };
}

/** A batch of one column, `number`, with `mark` as its app_metadata. */
export function batchMessage(values: Int32Array, mark = ""): FlightDataOut {
  const children = [...makeVector(values).data];
  const rows = makeData({ type: new Struct(schema.fields), length: values.length, nullCount: 0, children });
  const [message] = new BatchEncoder().encode(new RecordBatch(schema, rows));
  return { ...message, appMetadata: Buffer.from(mark) };
}

/** What one message of a stream carried: its app_metadata, and the numbers of a batch. */
export interface Marked {
  mark: string;
  numbers: Int32Array | undefined;
}

/** The messages after the schema. Throws when they are not a stream of numbers. */
export async function* readMarked(messages: AsyncIterable<FlightData>): AsyncGenerator<Marked> {
  let decoder: BatchDecoder | undefined;
  for await (const message of messages) {
    const mark = text(message.appMetadata);
    if (message.header.byteLength === 0) {
      if (message.appMetadata.byteLength > 0) yield { mark, numbers: undefined };
    } else if (decoder === undefined) {
      decoder = new BatchDecoder(message.header);
      checkSchema(decoder.schema);
    } else {
      const batch = decoder.decode(message);
      if (batch !== undefined) yield { mark, numbers: batch.getChildAt<Int32>(0)!.toArray() };
    }
  }
  if (decoder === undefined) throw new Error("The stream has no schema.");
}

function checkSchema({ fields }: Schema): void {
  const [{ name, type } = {}] = fields;
  if (fields.length === 1 && name === "number" && DataType.isInt(type) && type.bitWidth === 32 && type.isSigned) return;
  throw new Error(`The schema is ${fields} and not number: Int32.`);
}
