import { FlightError, FlightServer, type IncomingMessages } from "arrow-flight-node";
import { encapsulateSchema, type IpcMessage, readMessage } from "arrow-flight-node/ipc";

/** Our server of the data mode: it keeps what is put under a path and passes it through, whatever its type. */
export interface DataServer {
  port: number;
  uri: string;
  /** What was put under `path`; throws when nothing was. */
  kept(path: string): IpcMessage[];
  close(): Promise<void>;
}

interface Kept extends IpcMessage {
  appMetadata: Uint8Array;
}

export async function startDataServer(): Promise<DataServer> {
  const datasets = new Map<string, Kept[]>();
  let uri = "";
  const find = (path: string): Kept[] => {
    const kept = datasets.get(path);
    if (kept !== undefined) return kept;
    throw new FlightError("NOT_FOUND", `There is no ${path}.`, { hint: "Put it first." });
  };
  const server = new FlightServer({
    async *doPut(messages) {
      yield* keep(messages, datasets);
    },
    getFlightInfo(descriptor) {
      const path = descriptor.type === "path" ? (descriptor.path[0] ?? "") : "";
      const schema = encapsulateSchema(find(path)[0]!.header);
      const endpoints = [{ ticket: Buffer.from(path), locations: [uri] }];
      return { schema, descriptor, endpoints, totalRecords: rowsOf(find(path)), totalBytes: -1 };
    },
    *doGet(ticket) {
      yield* find(Buffer.from(ticket).toString());
    },
  });
  const { port } = await server.listen();
  uri = `grpc+tcp://127.0.0.1:${port}`;
  return {
    port,
    uri,
    kept: find,
    close: () => server.close({ graceMs: 0 }),
  };
}

/** Acknowledges record batches alone: Go's writer repeats a batch's app_metadata on the dictionaries before it. */
async function* keep(messages: IncomingMessages, datasets: Map<string, Kept[]>): AsyncGenerator<Uint8Array> {
  const kept: Kept[] = [];
  let path = "";
  for await (const { descriptor, header, body, appMetadata } of messages) {
    if (descriptor?.type === "path") path = descriptor.path[0] ?? "";
    if (header.byteLength === 0) continue;
    kept.push({ header, body, appMetadata });
    if (appMetadata.byteLength > 0 && readMessage(header, body).kind === "recordBatch") yield appMetadata;
  }
  datasets.set(path, kept);
}

function rowsOf(messages: readonly Kept[]): number {
  const headers = messages.map(({ header }) => readMessage(header));
  return headers.reduce((rows, header) => rows + (header.kind === "recordBatch" ? header.rows : 0), 0);
}
