import { readFileSync } from "node:fs";
import { FlightClient, type FlightDataOut } from "arrow-flight-node";
import { type IpcMessage, readMessage, splitStream } from "arrow-flight-node/ipc";
import { equal } from "./equal.js";
import type { IpcFile } from "./ipc-files.js";

/**
 * Our client of the data mode: puts the data with app_metadata "0", "1", … on its batches and expects each back, asks for the
 * FlightInfo, reads every endpoint at every location, and yields what each read gave. `unmarked`: the server is known to lose the
 * app_metadata.
 */
export async function* putAndGet(
  uri: string,
  { stream, file }: IpcFile,
  { unmarked }: { unmarked: boolean },
): AsyncGenerator<IpcMessage[]> {
  const client = new FlightClient(uri);
  try {
    const messages = [...numbered(splitStream(readFileSync(stream)))];
    const batches = messages.flatMap(({ appMetadata }) => (appMetadata === undefined ? [] : [text(appMetadata)]));
    const descriptor = { type: "path" as const, path: [file] };
    const acknowledged: string[] = [];
    for await (const metadata of client.doPut(descriptor, messages)) acknowledged.push(text(metadata));
    equal(acknowledged, batches, "the acknowledged batches");

    const info = await client.getFlightInfo(descriptor);
    const locations = info.endpoints.flatMap(({ ticket, locations }) =>
      (locations ?? []).map((at) => ({ ticket, at })),
    );
    if (locations.length === 0) throw new Error("The FlightInfo names no location.");
    for (const { ticket, at } of locations) yield await get(at, ticket, unmarked ? batches.map(() => "") : batches);
  } finally {
    await client.close();
  }
}

async function get(uri: string, ticket: Uint8Array, batches: readonly string[]): Promise<IpcMessage[]> {
  const client = new FlightClient(uri);
  try {
    const got: IpcMessage[] = [];
    const marks: string[] = [];
    for await (const { header, body, appMetadata } of client.doGet(ticket)) {
      got.push({ header, body });
      if (readMessage(header, body).kind === "recordBatch") marks.push(text(appMetadata));
    }
    equal(marks, batches, "the app_metadata of the batches that were read");
    return got;
  } finally {
    await client.close();
  }
}

function* numbered(messages: Iterable<IpcMessage>): Generator<FlightDataOut> {
  let batches = 0;
  for (const message of messages) {
    const isBatch = readMessage(message.header, message.body).kind === "recordBatch";
    yield isBatch ? { ...message, appMetadata: Buffer.from(String(batches++)) } : message;
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
