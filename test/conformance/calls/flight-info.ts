import { type FlightDescriptor, FlightError, type FlightInfo } from "arrow-flight-node";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";
import { numbersInfo } from "../scenarios/numbers.js";

const asked: FlightDescriptor[] = [
  { type: "path", path: ["a", "b c", "größe"] },
  { type: "command", command: Buffer.of(0, 255, 1) },
];

/** Every field of a FlightInfo, for descriptors of both kinds; the schema on its own; and a Flight that is not there. */
export const flightInfo: Scenario = {
  name: "call: flight_info",
  handlers: () => ({
    getFlightInfo(descriptor) {
      if (descriptor.type === "path" && descriptor.path[0] === "missing") {
        throw new FlightError("NOT_FOUND", "There is no such Flight.", { hint: "Ask for another." });
      }
      return infoOf(descriptor);
    },
    getSchema: (descriptor) => infoOf(descriptor).schema!,
  }),
  async client(client) {
    for (const descriptor of asked) {
      const expected = infoOf(descriptor);
      const { schema, ...info } = await client.getFlightInfo(descriptor);
      equal(comparable(info), comparable({ ...expected, schema: undefined }), "the FlightInfo");
      // Schemas of two implementations are not the same bytes; their columns are compared where data is read.
      if (schema === undefined || schema.byteLength === 0) throw new Error("The FlightInfo has no schema.");
      equal(Buffer.from(await client.getSchema(descriptor)), Buffer.from(schema), "the schema on its own");
    }
    await expectFailure(client.getFlightInfo({ type: "path", path: ["missing"] }), "NOT_FOUND", "what is not there");
  },
};

function infoOf(descriptor: FlightDescriptor): FlightInfo {
  const first = {
    ticket: Buffer.from("first"),
    locations: ["grpc+tcp://127.0.0.1:1234", "arrow-flight-reuse-connection://?"],
    expirationTime: new Date("2030-01-02T03:04:05.678Z"),
    appMetadata: Buffer.from("of the endpoint"),
  };
  return {
    ...numbersInfo("int32", descriptor, [first, { ticket: Buffer.of(0, 255) }]),
    totalRecords: 3,
    totalBytes: 2 ** 40,
    ordered: true,
    appMetadata: Buffer.from("of the info"),
  };
}

/** As plain values: bytes as hexadecimal, and what is empty left out. */
function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, item: unknown) => {
      const bytes = item instanceof Uint8Array ? item : bufferOf(item);
      if (bytes !== undefined) return bytes.byteLength === 0 ? undefined : Buffer.from(bytes).toString("hex");
      return Array.isArray(item) && item.length === 0 ? undefined : item;
    }),
  );
}

/** What JSON.stringify makes of a Buffer before it asks. */
function bufferOf(item: unknown): Buffer | undefined {
  const isBuffer = typeof item === "object" && item !== null && "type" in item && item.type === "Buffer";
  return isBuffer && "data" in item && Array.isArray(item.data) ? Buffer.from(item.data) : undefined;
}
