import { Int32, tableFromArrays } from "apache-arrow";
import {
  encodeBatches,
  FlightClient,
  type FlightEndpoint,
  FlightError,
  type FlightHandlers,
  FlightServer,
  readEndpoints,
  schemaOf,
} from "arrow-flight-node";
import test, { type ExecutionContext } from "ava";
import { collect, signalled } from "./fixtures.js";
import { startPyarrowServer } from "./python.js";

const table = (n: number) => tableFromArrays({ n: Int32Array.of(n) });
const reuse = "arrow-flight-reuse-connection://?";

async function start(t: ExecutionContext, handlers: FlightHandlers): Promise<FlightClient> {
  const server = new FlightServer(handlers);
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(async () => {
    await client.close();
    await server.close({ graceMs: 0 });
  });
  return client;
}

/** A client of a server whose tickets are one byte, which is the value that it answers with, and 9 fails. */
function connect(t: ExecutionContext): Promise<FlightClient> {
  return start(t, {
    doGet(ticket) {
      if (ticket[0] === 9) throw new Error("the disk broke");
      return encodeBatches(table(ticket[0]!));
    },
  });
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

test("an endpoint that has expired is renewed, and tried as it is where the server renews none", async (t) => {
  const asked: number[] = [];
  const expired = { ticket: Uint8Array.of(5), expirationTime: new Date(1e12) };
  const doGet = ([n]: Uint8Array) => {
    asked.push(n!);
    if (n === 9) throw new FlightError("NOT_FOUND", "The ticket is gone.", { hint: "Ask anew." });
    return encodeBatches(table(n!));
  };
  const renewing = await start(t, {
    doGet,
    renewFlightEndpoint: ({ ticket }) => ({ ticket: Uint8Array.of(ticket[0]! + 1), expirationTime: new Date(4e12) }),
  });
  const fresh = { ticket: Uint8Array.of(1), expirationTime: new Date(4e12) };
  t.deepEqual(await read(renewing, expired, fresh), [6, 1]);
  const plain = await start(t, { doGet });
  t.deepEqual(await read(plain, expired), [5]);
  await t.throwsAsync(read(plain, { ...expired, ticket: Uint8Array.of(9) }), {
    code: "NOT_FOUND",
    message: /expired at 2001-09-09T01:46:40\.000Z: The ticket is gone\..* Ask for its FlightInfo again\./,
  });
  t.deepEqual(asked, [6, 1, 5, 9]);
});

test("endpoints are opened ahead, read in order, and all closed by who leaves", async (t) => {
  const asked: number[] = [];
  const [third, closed] = [signalled(), signalled()];
  let open = 0;
  const client = await start(t, {
    async *doGet([n], { signal }) {
      asked.push(n!);
      open++;
      signal.addEventListener("abort", () => --open === 0 && closed.resolve());
      if (n === 3) third.resolve();
      if (n === 1) await third.promise;
      yield* encodeBatches(table(n!));
      if (n !== 1) await closed.promise;
      else open--;
    },
  });
  const endpoints = [1, 2, 3, 4].map((n) => ({ ticket: Uint8Array.of(n) }));
  const info = { endpoints, totalRecords: -1, totalBytes: -1, ordered: true };
  const options = { ahead: 2, expect: schemaOf({ n: new Int32() }) };
  let streams = 0;
  for await (const { batches } of readEndpoints(client, info, (uri) => new FlightClient(uri), options)) {
    if (++streams === 2) break;
    for (const batch of await collect(batches))
      t.deepEqual(
        [...batch].map(({ n }) => n),
        [1],
      );
  }
  await closed.promise;
  t.deepEqual(asked.slice(0, 3).sort(), [1, 2, 3]);
  t.is(streams, 2);
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
