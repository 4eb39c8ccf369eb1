import { tableFromArrays } from "apache-arrow";
import {
  decodeBatches,
  encodeBatches,
  FlightClient,
  type FlightDataOut,
  FlightError,
  type FlightHandlers,
  forPath,
  packSchema,
  type ServerCall,
} from "arrow-flight-node";
import { batchesOf, decodeSchema, splitStream } from "arrow-flight-node/ipc";
import test, { type ExecutionContext } from "ava";
import { collect, readFixture, signalled, utf8 } from "./fixtures.js";
import { runPyarrow, startPyarrowServer } from "./python.js";
import { serve } from "./serve.js";

function connect(t: ExecutionContext, uri: string): FlightClient {
  const client = new FlightClient(uri);
  t.teardown(() => client.close());
  return client;
}

async function connectPyarrow(t: ExecutionContext, ...args: string[]): Promise<FlightClient> {
  const server = await startPyarrowServer(...args);
  t.teardown(() => server.stop());
  return connect(t, server.uri);
}

function open(name: string) {
  const [schema, ...messages] = splitStream(readFixture(`ipc/${name}.arrows`));
  return { schema: decodeSchema(schema!.header), batches: [...batchesOf(schema!.header, messages)] };
}

/** A handshake of two rounds; its token names the peer. */
const twoSteps: FlightHandlers = {
  async *handshake(payloads) {
    const incoming = payloads[Symbol.asyncIterator]();
    const name = utf8((await incoming.next()).value);
    yield Buffer.from("who?");
    if (utf8((await incoming.next()).value) !== "who?!") {
      throw new FlightError("UNAUTHENTICATED", "Wrong answer.", {
        hint: "Say what was asked, and an exclamation mark.",
      });
    }
    yield Buffer.from(`token of ${name}`);
  },
  authenticate({ headers }) {
    const token = Buffer.from(headers.get("auth-token-bin") ?? "", "base64").toString();
    if (token.startsWith("token of ")) return token.slice(9);
    throw new FlightError("UNAUTHENTICATED", "No token.", { hint: "Shake hands first." });
  },
  *doAction(_, { identity }) {
    yield Buffer.from(String(identity));
  },
};

/** The token that `twoSteps`, or its twin in server.py, gives to ann. */
async function shakeHands(client: FlightClient): Promise<string> {
  const question = signalled<Uint8Array>();
  const said = async function* () {
    yield Buffer.from("ann");
    yield Buffer.concat([await question.promise, Buffer.from("!")]);
  };
  let token = "";
  for await (const answer of client.handshake(said())) {
    question.resolve(answer);
    token = Buffer.from(answer).toString("base64");
  }
  return token;
}

test("pyarrow's client shakes hands and is known afterwards", async (t) => {
  t.deepEqual(await runPyarrow(await serve(t, twoSteps), "handshake"), ["ann"]);
});

test("a handshake with pyarrow's server gives a token; without one nothing is answered", async (t) => {
  const client = await connectPyarrow(t, "handshake");
  t.like(await t.throwsAsync(collect(client.doAction({ type: "who" }))), { code: "UNAUTHENTICATED" });
  const headers = { "auth-token-bin": await shakeHands(client) };
  t.deepEqual((await collect(client.doAction({ type: "who" }, { headers }))).map(utf8), ["ann"]);
});

test("a handshake that is refused says why, also between two of this package", async (t) => {
  const client = connect(t, await serve(t, twoSteps));
  const refused = await t.throwsAsync(collect(client.handshake([Buffer.from("ann"), Buffer.from("no")])));
  t.like(refused, { code: "UNAUTHENTICATED", message: "Wrong answer. Say what was asked, and an exclamation mark." });
  const headers = { "auth-token-bin": await shakeHands(client) };
  t.deepEqual((await collect(client.doAction({ type: "who" }, { headers }))).map(utf8), ["ann"]);
});

/** Sends every message back as it came; to a path, "asked" at once. */
const echo: FlightHandlers = {
  async *doExchange(messages) {
    for await (const { descriptor, header, body, appMetadata } of messages) {
      if (descriptor?.type === "path") {
        yield { appMetadata: Buffer.from("asked") };
        return;
      }
      if (header.byteLength > 0 || appMetadata.byteLength > 0) yield { header, body, appMetadata };
    }
  },
};

test("pyarrow's client exchanges batches one by one, and is answered before it has sent any", async (t) => {
  const seen = { asked: "asked", equal: true, ended: "StopIteration" };
  t.deepEqual(await runPyarrow(await serve(t, echo), "exchange"), seen);
});

test("batches are exchanged with pyarrow's server one by one, and it answers before there are any", async (t) => {
  const client = await connectPyarrow(t);
  const asked = signalled();
  const later = async function* () {
    await asked.promise;
    yield* [];
  };
  const answers: string[] = [];
  for await (const { appMetadata } of client.doExchange({ type: "path", path: ["ask"] }, later())) {
    answers.push(utf8(appMetadata));
    asked.resolve();
  }
  t.deepEqual(answers, ["asked"]);

  const { schema, batches } = open("two_batches");
  const came = batches.map(() => signalled());
  const oneByOne = async function* () {
    for (const [i, batch] of batches.entries()) {
      yield batch;
      await came[i]!.promise;
    }
  };
  const back = await client.exchange(
    { type: "command", command: Buffer.from("echo") },
    { schema, batches: oneByOne() },
  );
  t.deepEqual(back.schema.names, schema.names);
  const rows: string[] = [];
  let at = 0;
  for await (const batch of back.batches) {
    rows.push(...[...batch].map(String));
    came[at++]!.resolve();
  }
  t.deepEqual(
    rows,
    batches.flatMap((batch) => [...batch].map(String)),
  );
});

test("a handler of record batches answers with another schema than it was sent", async (t) => {
  const client = connect(
    t,
    await serve(t, {
      async *doExchange(messages) {
        const { schema, batches } = await decodeBatches(messages);
        const narrow = schema.select(["a"]);
        const cut = async function* () {
          for await (const batch of batches) yield batch.select(["a"]);
        };
        yield* encodeBatches({ schema: narrow, batches: cut() });
      },
    }),
  );
  const sent = open("two_batches");
  const back = await client.exchange({ type: "path", path: [] }, sent);
  t.deepEqual(back.schema.names, ["a"]);
  const rows = (await collect(back.batches)).flatMap((batch) => [...batch].map(({ a }) => a));
  t.deepEqual(
    rows,
    sent.batches.flatMap((batch) => [...batch].map(({ a }) => a)),
  );
});

test("a stream is passed on to another server as it comes, under another name", async (t) => {
  const seen: unknown[] = [];
  const behind = connect(
    t,
    await serve(t, {
      async *doPut(messages) {
        for await (const { descriptor, header } of messages) {
          if (descriptor !== undefined) seen.push(descriptor);
          if (header.byteLength > 0) yield Buffer.from("kept");
        }
      },
    }),
  );
  const front = connect(t, await serve(t, { doPut: (messages) => behind.doPut(forPath("there"), messages) }));
  t.deepEqual((await front.write(forPath("here"), open("two_batches"))).map(utf8), Array(3).fill("kept"));
  t.deepEqual(seen, [forPath("there")]);
});

test("a handler may wait before it answers with a stream, of any RPC", async (t) => {
  const ticket = Buffer.from("t");
  const info = { endpoints: [{ ticket }], totalRecords: 1, totalBytes: -1 };
  const handlers: FlightHandlers = {
    handshake: async () => [ticket],
    listFlights: async () => [info],
    doGet: async () => [{ appMetadata: ticket }],
    doPut: async (messages) => ((await collect(messages)).length > 0 ? [ticket] : []),
    doExchange: async () => [{ appMetadata: ticket }],
    doAction: async ({ type }) => (type === "none" ? [] : [ticket]),
    listActions: async () => [{ type: "a", description: "b" }],
  };
  const client = connect(t, await serve(t, { ...handlers, closeSession: () => "CLOSED" }));
  const path = { type: "path" as const, path: [] };
  const streams: AsyncIterable<unknown>[] = [
    client.handshake([]),
    client.listFlights(),
    client.doGet(ticket),
    client.doPut(path, []),
    client.doExchange(path, []),
    client.doAction({ type: "one" }),
  ];
  for (const [i, stream] of streams.entries()) t.is((await collect(stream)).length, 1, `${i}`);
  t.is((await collect(client.listActions())).length, 2);
  t.is((await collect(client.doAction({ type: "none" }))).length, 0);
});

test("totals that a handler leaves out are unknown and the descriptor is what was asked for, to pyarrow, too", async (t) => {
  const info = { schema: packSchema(open("two_batches").schema), endpoints: [] };
  const handlers: FlightHandlers = {
    getFlightInfo: () => info,
    listFlights: () => [{ ...info, totalRecords: 7 }],
    pollFlightInfo: () => ({ info }),
  };
  const uri = await serve(t, handlers);
  const client = connect(t, uri);
  const unknown = { totalRecords: -1, totalBytes: -1, descriptor: forPath("any") };
  t.like(await client.getFlightInfo(forPath("any")), unknown);
  t.like((await client.pollFlightInfo(forPath("any"))).info, unknown);
  t.like((await collect(client.listFlights()))[0], { totalRecords: 7, totalBytes: -1, descriptor: undefined });
  t.deepEqual(await runPyarrow(uri, "totals"), [-1, -1]);
});

test("handlers may be an instance of a class", async (t) => {
  class Counting implements FlightHandlers<number> {
    #calls = 0;
    authenticate() {
      return ++this.#calls;
    }
    *doAction(_: unknown, { identity }: ServerCall<number>) {
      yield Uint8Array.of(identity, this.#calls);
    }
    cancelFlightInfo(): "CANCELLED" | "CANCELLING" {
      return this.#calls > 1 ? "CANCELLED" : "CANCELLING";
    }
    *listActions() {
      yield { type: "count", description: String(this.#calls) };
    }
  }
  const client = connect(t, await serve(t, new Counting()));
  t.deepEqual([...(await collect(client.doAction({ type: "count" })))[0]!], [1, 1]);
  t.is(await client.cancelFlightInfo({ endpoints: [], totalRecords: -1, totalBytes: -1 }), "CANCELLED");
  t.is((await collect(client.listActions()))[0]!.description, "3");
});

test("a handler that gives a table in place of its messages is told so", async (t) => {
  const table = tableFromArrays({ n: Int32Array.of(1) });
  const client = connect(t, await serve(t, { doGet: () => table as unknown as FlightDataOut[] }));
  await t.throwsAsync(client.read(Buffer.from("t")), {
    code: "INVALID_ARGUMENT",
    message: /no message.*by encodeBatches/,
  });
});

test("a query is polled until it is done", async (t) => {
  const handlers: FlightHandlers = {
    pollFlightInfo(descriptor) {
      const step = descriptor.type === "command" ? descriptor.command[0]! : 0;
      const endpoints = Array.from({ length: step + 1 }, (_, i) => ({ ticket: Uint8Array.of(i) }));
      const info = { endpoints, totalRecords: step, totalBytes: -1 };
      if (step === 2) return { info, progress: 1 };
      const next = { type: "command" as const, command: Uint8Array.of(step + 1) };
      return { info, descriptor: next, progress: step / 2, expirationTime: new Date(1e12 + step) };
    },
  };
  const client = connect(t, await serve(t, handlers));
  let poll = await client.pollFlightInfo({ type: "path", path: ["slow"] });
  t.is(poll.progress, 0);
  t.deepEqual(poll.expirationTime, new Date(1e12));
  let polls = 1;
  for (; poll.descriptor !== undefined; polls++) poll = await client.pollFlightInfo(poll.descriptor);
  t.is(polls, 3);
  t.is(poll.progress, 1);
  t.deepEqual(
    poll.info!.endpoints.map(({ ticket }) => ticket[0]),
    [0, 1, 2],
  );
});
