import { tableFromArrays } from "apache-arrow";
import { encodeBatches, FlightClient, type FlightEndpoint, FlightServer, readEndpoints } from "arrow-flight-node";
import test, { type ExecutionContext } from "ava";
import { collect, signalled } from "./fixtures.js";
import { startPyarrowServer } from "./python.js";

const table = (n: number) => tableFromArrays({ n: Int32Array.of(n) });
const reuse = "arrow-flight-reuse-connection://?";

/** A client of a server whose tickets are one byte, which is the value that it answers with, and 9 fails. */
async function connect(t: ExecutionContext): Promise<FlightClient> {
  const server = new FlightServer({
    doGet(ticket) {
      if (ticket[0] === 9) throw new Error("the disk broke");
      return encodeBatches(table(ticket[0]!));
    },
  });
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(async () => {
    await client.close();
    await server.close({ graceMs: 0 });
  });
  return client;
}

async function read(client: FlightClient, ...endpoints: FlightEndpoint[]): Promise<number[]> {
  const rows: number[] = [];
  const info = { endpoints, totalRecords: -1, totalBytes: -1 };
  for await (const { batches } of readEndpoints(client, info, (uri) => new FlightClient(uri))) {
    for (const batch of await collect(batches)) rows.push(...[...batch].map(({ n }) => Number(n)));
  }
  return rows;
}

test("endpoints are read in order, from their own server, from the first location that answers, or from this one", async (t) => {
  const client = await connect(t);
  const pyarrow = await startPyarrowServer();
  const other = new FlightClient(pyarrow.uri);
  t.teardown(async () => {
    await other.close();
    await pyarrow.stop();
  });
  await other.write({ type: "path", path: ["five"] }, table(5));
  const rows = await read(
    client,
    { ticket: Uint8Array.of(1) },
    { ticket: Buffer.from("five"), locations: ["grpc://127.0.0.1:1", "ftp://no", pyarrow.uri] },
    { ticket: Uint8Array.of(3), locations: [reuse] },
    { ticket: Uint8Array.of(4), locations: ["grpc://127.0.0.1:1", reuse] },
  );
  t.deepEqual(rows, [1, 5, 3, 4]);
});

test("an endpoint that is left unread ends its call", async (t) => {
  const ended = signalled();
  const server = new FlightServer({
    async *doGet(_, { signal }) {
      signal.addEventListener("abort", () => ended.resolve());
      yield* encodeBatches(table(1));
      await ended.promise;
    },
  });
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(() => Promise.all([client.close(), server.close({ graceMs: 0 })]));
  const info = { endpoints: [{ ticket: Uint8Array.of(1) }], totalRecords: -1, totalBytes: -1 };
  for await (const { schema } of readEndpoints(client, info, (uri) => new FlightClient(uri))) {
    t.deepEqual(schema.names, ["n"]);
    break;
  }
  await ended.promise;
});

test("an endpoint that nobody gives is an error that says what each location answered", async (t) => {
  const client = await connect(t);
  const locations = ["grpc://127.0.0.1:1", reuse];
  const error = await t.throwsAsync(read(client, { ticket: Uint8Array.of(9), locations }));
  t.like(error, { code: "UNAVAILABLE" });
  t.regex(error!.message, /127\.0\.0\.1:1: Cannot reach .*reuse-connection:\/\/\?: the disk broke/);
  t.like(await t.throwsAsync(read(client, { ticket: Uint8Array.of(9) })), {
    code: "INTERNAL",
    message: "the disk broke",
  });
});
