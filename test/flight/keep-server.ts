import {
  decodeBatches,
  encodeBatches,
  type FlightData,
  type FlightDescriptor,
  FlightError,
  type FlightHandlers,
  type FlightInfo,
} from "arrow-flight-node";
import { encapsulateSchema, readMessage } from "arrow-flight-node/ipc";
import { collect, utf8 } from "./fixtures.js";

/** Handlers that keep what is put, untouched, and give it back. */
export function keepHandlers(): FlightHandlers & { kept: Map<string, FlightData[]> } {
  const kept = new Map<string, FlightData[]>();
  const find = (name: string): FlightData[] => {
    const messages = kept.get(name);
    if (messages === undefined) throw new FlightError("NOT_FOUND", `No dataset ${name}.`, { hint: "Put it first." });
    return messages;
  };
  const describe = (descriptor: FlightDescriptor): FlightInfo => {
    const name = nameOf(descriptor);
    const headers = find(name).map(({ header }) => header);
    const shapes = headers.filter((header) => header.byteLength > 0).map((header) => readMessage(header));
    const totalRecords = shapes.reduce((sum, shape) => sum + (shape.kind === "recordBatch" ? shape.rows : 0), 0);
    const endpoints = [{ ticket: Buffer.from(name) }];
    return { schema: encapsulateSchema(headers[0]!), descriptor, endpoints, totalRecords, totalBytes: -1 };
  };
  return {
    kept,
    async *doPut(messages) {
      let name: string | undefined;
      const own: FlightData[] = [];
      for await (const message of messages) {
        name ??= message.descriptor && nameOf(message.descriptor);
        if (name === "refused")
          throw new FlightError("FAILED_PRECONDITION", "Refused: naïve ✓.", { hint: "Try another." });
        own.push(message);
        if (message.appMetadata.byteLength > 0) yield Buffer.from(`seen ${utf8(message.appMetadata)}`);
      }
      kept.set(name ?? "", own);
    },
    async *doGet(ticket) {
      const name = utf8(ticket);
      for (const { header, body, appMetadata } of find(name === "breaks" ? [...kept.keys()][0]! : name)) {
        yield { header, body, appMetadata };
        if (name === "breaks" && body.byteLength > 0)
          throw new FlightError("DATA_LOSS", "The disk broke.", { hint: "Mend it." });
      }
    },
    getFlightInfo: describe,
    getSchema: (descriptor) => describe(descriptor).schema!,
    *listFlights(criteria) {
      for (const name of kept.keys()) {
        if (name.includes(utf8(criteria))) yield describe({ type: "path", path: name.split("/") });
      }
    },
    async *doAction({ type, body }, { signal }) {
      if (type === "echo") yield body;
      if (type === "throw") throw new TypeError("a bug in a handler");
      if (type === "hang") await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
    listActions: () => [{ type: "echo", description: "says it again" }],
  };
}

/** The same, but every batch is decoded by apache-arrow and encoded again on the way. */
export function decodingHandlers(): FlightHandlers {
  const kept = new Map<string, Awaited<ReturnType<typeof decodeAll>>>();
  return {
    async doPut(messages) {
      const { name, schema, batches } = await decodeAll(messages);
      kept.set(name, { name, schema, batches });
    },
    doGet: (ticket) => encodeBatches(kept.get(utf8(ticket))!),
  };
}

async function decodeAll(messages: AsyncIterable<FlightData>) {
  let name = "";
  const named = async function* () {
    for await (const message of messages) {
      if (message.descriptor !== undefined) name = nameOf(message.descriptor);
      yield message;
    }
  };
  const { schema, batches } = await decodeBatches(named());
  return { name, schema, batches: await collect(batches) };
}

export function nameOf(descriptor: FlightDescriptor): string {
  return descriptor.type === "path" ? descriptor.path.join("/") : utf8(descriptor.command);
}
