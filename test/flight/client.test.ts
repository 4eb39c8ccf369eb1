import { tableFromArrays } from "apache-arrow";
import {
  encodeBatches,
  FlightClient,
  FlightError,
  FlightServer,
  forCommand,
  forPath,
  unpackSchema,
} from "arrow-flight-node";
import { batchesOf, decodeSchema, splitStream } from "arrow-flight-node/ipc";
import test, { type ExecutionContext } from "ava";
import { collect, readFixture, signalled, utf8 } from "./fixtures.js";
import { keepHandlers } from "./keep-server.js";
import { startPyarrowServer } from "./python.js";

async function connect(t: ExecutionContext): Promise<FlightClient> {
  const server = await startPyarrowServer();
  const client = new FlightClient(server.uri);
  t.teardown(async () => {
    await client.close();
    await server.stop();
  });
  return client;
}

function open(name: string) {
  const [schema, ...messages] = splitStream(readFixture(`ipc/${name}.arrows`));
  return { schema: decodeSchema(schema!.header), batches: [...batchesOf(schema!.header, messages)] };
}

const at = forPath;

test("datasets go to pyarrow's server and come back", async (t) => {
  const client = await connect(t);
  for (const name of ["two_batches", "dictionary_replaced", "struct", "utf8", "no_rows", "no_batches"]) {
    const sent = open(name);
    await client.write(at(name), sent);
    const { schema, batches } = await client.read(Buffer.from(name));
    t.deepEqual(schema.metadata, sent.schema.metadata);
    t.deepEqual(
      (await collect(batches)).flatMap((batch) => [...batch].map(String)),
      sent.batches.flatMap((batch) => [...batch].map(String)),
      name,
    );
  }
});

test("results of a DoPut come while it goes on, and metadata comes back with its batch", async (t) => {
  const client = await connect(t);
  const [schema, first, second] = splitStream(readFixture("ipc/two_batches.arrows"));
  const answered = signalled();
  const messages = async function* () {
    yield { header: schema!.header };
    yield { ...first!, appMetadata: Buffer.from("one") };
    await answered.promise;
    yield { ...second!, appMetadata: Buffer.from("two") };
  };
  const results: string[] = [];
  for await (const result of client.doPut(at("a", "b"), messages())) {
    results.push(utf8(result));
    answered.resolve();
  }
  t.deepEqual(results, ["seen one", "seen two"]);
  const back = await collect(client.doGet(Buffer.from("a/b")));
  t.deepEqual(
    back.map(({ appMetadata }) => utf8(appMetadata)),
    ["", "one", "two"],
  );
  t.is(back[1]!.body.buffer, back[1]!.bytes.buffer);
  t.is(back[1]!.body.byteOffset % 8, 0);
});

test("descriptors are made of names, or of a command as bytes or text", (t) => {
  t.deepEqual(forPath("a", "b"), { type: "path", path: ["a", "b"] });
  t.deepEqual(forCommand("ü"), { type: "command", command: Buffer.from("ü") });
  t.deepEqual(forCommand(Uint8Array.of(1)), { type: "command", command: Uint8Array.of(1) });
});

test("what pyarrow's server has is listed and described", async (t) => {
  const client = await connect(t);
  await client.write(at("a", "b"), open("two_batches"));
  const info = await client.getFlightInfo(at("a", "b"));
  t.like(info, { totalRecords: 20, totalBytes: -1, ordered: true, descriptor: at("a", "b") });
  t.is(utf8(info.endpoints[0]!.ticket), "a/b");
  t.regex(info.endpoints[0]!.locations![0]!, /^grpc:\/\/127\.0\.0\.1:\d+$/);
  t.is(utf8(info.appMetadata!), "kept");
  t.deepEqual(unpackSchema(info.schema!).names, ["a", "b"]);
  t.deepEqual(unpackSchema(await client.getSchema(at("a", "b"))).names, ["a", "b"]);
  t.is((await collect(client.listFlights())).length, 1);
  t.is((await collect(client.listFlights(Buffer.from("other")))).length, 0);
  t.deepEqual(await collect(client.listActions()), [
    { type: "echo", description: "says it again" },
    { type: "hang", description: "never answers" },
  ]);
  t.deepEqual((await collect(client.doAction({ type: "echo", body: Buffer.from("hi") }))).map(utf8), ["hi"]);
});

test("pyarrow's errors arrive with code and message, also while sending", async (t) => {
  const client = await connect(t);
  const unknown = await t.throwsAsync(client.getFlightInfo(at("nowhere")), { instanceOf: FlightError });
  t.regex(unknown.message, /no dataset nowhere/);
  const { schema, batches } = open("float64");
  const endless = function* () {
    for (;;) yield* batches;
  };
  const refused = await t.throwsAsync(client.write(at("refused"), { schema, batches: endless() }), {
    instanceOf: FlightError,
  });
  t.is(refused.code, "PERMISSION_DENIED");
  t.regex(refused.message, /refused: naïve ✓/);
});

test("the extra_info of pyarrow's errors arrives as details", async (t) => {
  const client = await connect(t);
  const error = await t.throwsAsync(collect(client.doAction({ type: "details" })), { instanceOf: FlightError });
  t.is(error.code, "UNAVAILABLE");
  t.regex(error.message, /not now/);
  t.deepEqual([...error.details!], [0, 255, 10]);
});

test("batches go out in messages that the server takes", async (t) => {
  const sizes: number[] = [];
  const server = new FlightServer(
    {
      async doPut(messages) {
        for await (const { bytes } of messages) sizes.push(bytes.byteLength);
      },
      async *doExchange(messages) {
        for await (const { bytes } of messages) sizes.push(bytes.byteLength);
        yield* encodeBatches(tableFromArrays({}));
      },
    },
    { maxMessageBytes: 1500 },
  );
  const { uri } = await server.listen();
  const [client, careful] = [new FlightClient(uri), new FlightClient(uri, { maxMessageBytes: 1500 })];
  t.teardown(() => Promise.all([client.close(), careful.close(), server.close({ graceMs: 0 })]));
  const table = tableFromArrays({ x: Float64Array.from({ length: 1000 }, (_, i) => i) });
  t.like(await t.throwsAsync(client.write(at("x"), table)), { code: "RESOURCE_EXHAUSTED" });
  for (const send of [
    () => client.write(at("x"), table, { maxMessageBytes: 1500 }),
    () => careful.write(at("x"), table),
    () => careful.exchange(at("x"), table),
  ]) {
    sizes.length = 0;
    await send();
    t.true(sizes.length > 6 && Math.max(...sizes) > 1000, `${sizes}`);
  }
});

test("a call ends at its deadline and at its signal", async (t) => {
  const client = await connect(t);
  const late = await t.throwsAsync(collect(client.doAction({ type: "hang" }, { timeoutMs: 100 })), {
    instanceOf: FlightError,
  });
  t.is(late.code, "DEADLINE_EXCEEDED");
  t.regex(late.message, /DoAction to grpc:.* was not done within 100 ms\. Raise timeoutMs/);
  const abort = new AbortController();
  const call = collect(client.doAction({ type: "hang" }, { signal: abort.signal }));
  await collect(client.listActions());
  abort.abort();
  t.like(await t.throwsAsync(call), { code: "CANCELLED" });
  t.like(await t.throwsAsync(collect(client.listActions({ signal: abort.signal }))), { code: "CANCELLED" });
});

test("a server that dies in the middle is an error, not an end", async (t) => {
  const server = await startPyarrowServer();
  const client = new FlightClient(server.uri);
  const call = collect(client.doAction({ type: "hang" }));
  await collect(client.listActions());
  await server.kill();
  const lost = await t.throwsAsync(call, { instanceOf: FlightError });
  t.is(lost.code, "UNAVAILABLE");
  const down = await t.throwsAsync(collect(client.listActions()), { instanceOf: FlightError });
  t.is(down.code, "UNAVAILABLE");
  t.regex(
    down.message,
    /Cannot reach a Flight server at grpc:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*Start it, or check/,
  );
  await client.close();
});

test("a client connects again to a server that came back", async (t) => {
  const first = new FlightServer(keepHandlers());
  const { uri, port } = await first.listen();
  const client = new FlightClient(uri.replace("grpc:", "grpc+tcp:"));
  t.is((await collect(client.listActions())).length, 1);
  await first.close();
  const second = new FlightServer(keepHandlers(), { port });
  await second.listen();
  t.is((await collect(client.listActions())).length, 1);
  await client.close();
  await second.close();
  t.like(await t.throwsAsync(collect(client.listActions())), { code: "FAILED_PRECONDITION" });
});

test("a wrong URI is refused where it is given", (t) => {
  for (const uri of ["http://127.0.0.1:1", "127.0.0.1:1", "grpc://127.0.0.1", "grpc+udp://localhost:1", ""]) {
    const error = t.throws(() => new FlightClient(uri), { instanceOf: FlightError });
    t.is(error.code, "INVALID_ARGUMENT");
    t.regex(error.message, /Write grpc:\/\/host:port/);
  }
});

test("an address where nothing answers is given up", async (t) => {
  const error = await t.throwsAsync(
    collect(new FlightClient("grpc://192.0.2.1:9", { connectTimeoutMs: 50 }).listActions()),
    { instanceOf: FlightError },
  );
  t.is(error.code, "UNAVAILABLE");
  const sooner = collect(
    new FlightClient("grpc://192.0.2.1:9", { connectTimeoutMs: 60_000 }).listActions({ timeoutMs: 50 }),
  );
  t.true(
    ["DEADLINE_EXCEEDED", "UNAVAILABLE"].includes((await t.throwsAsync(sooner, { instanceOf: FlightError })).code),
  );
});
