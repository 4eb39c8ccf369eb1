import { Field, Int32, makeData, makeVector, RecordBatch, Schema, Struct, Uint32 } from "apache-arrow";
import {
  encodeBatches,
  type FlightClient,
  type FlightDataOut,
  type FlightDescriptor,
  type FlightEndpoint,
  type FlightInfo,
  packSchema,
} from "arrow-flight-node";

/** The data of the scenarios: one column, `number`, of one of two types. */
export type Numbers = Int32Array | Uint32Array;

const schemas = {
  int32: new Schema([new Field("number", new Int32(), false)]),
  uint32: new Schema([new Field("number", new Uint32(), false)]),
};

/** The answer to a GetFlightInfo whose data are numbers. */
export function numbersInfo(
  type: keyof typeof schemas,
  descriptor: FlightDescriptor,
  endpoints: FlightEndpoint[],
): FlightInfo {
  const schema = packSchema(schemas[type]);
  return { schema, descriptor, endpoints, totalRecords: -1, totalBytes: -1 };
}

/** A DoGet's answer: one batch of `values`. */
export function numbers(values: Numbers): AsyncIterable<FlightDataOut> {
  const schema: Schema = values instanceof Int32Array ? schemas.int32 : schemas.uint32;
  const children = [...makeVector(values).data];
  const rows = makeData({ type: new Struct(schema.fields), length: values.length, nullCount: 0, children });
  return encodeBatches({ schema, batches: [new RecordBatch(schema, rows)] });
}

/** The numbers behind the tickets of all endpoints, which must not name another server. */
export async function readNumbers(client: FlightClient, endpoints: readonly FlightEndpoint[]): Promise<number[][]> {
  const all: number[][] = [];
  for (const { ticket, locations = [] } of endpoints) {
    if (locations.length > 0) throw new Error(`An endpoint names a location: ${locations}`);
    const values: number[] = [];
    const { batches } = await client.read(ticket);
    for await (const batch of batches) values.push(...(batch.getChild("number")?.toArray() ?? []));
    all.push(values);
  }
  return all;
}
