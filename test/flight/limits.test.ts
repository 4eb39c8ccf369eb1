import { connect as connectHttp2, constants } from "node:http2";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import {
  FlightClient,
  type FlightClientOptions,
  type FlightDataOut,
  type FlightError,
  type FlightHandlers,
  FlightServer,
  type FlightServerOptions,
  type IncomingMessages,
  type ServerCall,
} from "arrow-flight-node";
import { encodeFlightData, methodPath } from "arrow-flight-node/protocol";
import test, { type ExecutionContext } from "ava";
import { collect, signalled, utf8 } from "./fixtures.js";
import { dataFrame, http2Frame, preface, requestFrame, resetFrame } from "./http2-bytes.js";

const mebibyte = 1 << 20;
const somewhere = { type: "path" as const, path: ["x"] };
const nothing = new Uint8Array(0);

interface Options {
  server?: FlightServerOptions;
  client?: FlightClientOptions;
}

async function pair(t: ExecutionContext, handlers: FlightHandlers, options: Options = {}) {
  const server = new FlightServer(handlers, options.server);
  const { uri, port } = await server.listen();
  const client = new FlightClient(uri, options.client);
  t.teardown(async () => {
    await client.close();
    await server.close({ graceMs: 0 });
  });
  return { client, port };
}

/** Lets both ends go on until `progress` stands still. */
async function settle(progress: () => number): Promise<void> {
  for (let still = 0, last = -1; still < 100; still++) {
    await turn();
    if (progress() !== last) still = 0;
    last = progress();
  }
}

test("a reader that stops holds the writer back", async (t) => {
  const read = signalled();
  const [produced, consumed] = [{ count: 0 }, { count: 0 }];
  const handlers: FlightHandlers = {
    async doPut(messages) {
      for await (const _ of messages) {
        await read.promise;
        consumed.count++;
      }
    },
    async *doGet() {
      for (; produced.count < 100; produced.count++) yield { body: new Uint8Array(mebibyte) };
    },
  };
  const options = { streamWindow: 2 * mebibyte };
  const { client } = await pair(t, handlers, { server: options, client: options });
  const messages = function* () {
    for (; produced.count < 100; produced.count++) yield { body: new Uint8Array(mebibyte) };
  };
  const put = collect(client.doPut(somewhere, messages()));
  await settle(() => produced.count);
  t.true(produced.count > 2 && produced.count < 30, `${produced.count} MiB were taken without a reader`);
  read.resolve();
  await put;
  t.is(consumed.count, 100);

  produced.count = 0;
  const got = client.doGet(nothing)[Symbol.asyncIterator]();
  await got.next();
  await settle(() => produced.count);
  t.true(produced.count > 2 && produced.count < 30, `${produced.count} MiB were made without a reader`);
  let rest = 0;
  for (let next = await got.next(); !next.done; next = await got.next()) rest++;
  t.is(rest, 99);
});

test("memory for a message is asked for when it is waited for, and may come late", async (t) => {
  const shared = new SharedArrayBuffer(4 * mebibyte);
  const asked: number[] = [];
  const seen: string[] = [];
  const { client } = await pair(t, {
    async doPut(messages) {
      let used = 0;
      let round = 0;
      for await (const { body, bytes } of messages) {
        seen.push(
          `${round}: ${bytes.buffer instanceof SharedArrayBuffer ? "shared" : "own"} ${body[0]} ${body.at(-1)}`,
        );
        round++;
        messages.allocate = async (length) => {
          asked.push(round);
          await turn();
          used += length;
          return new Uint8Array(shared, used - length, length);
        };
      }
    },
    async *doGet() {
      yield { body: new Uint8Array(shared, 0, mebibyte) };
    },
  });
  const from = new Uint8Array(new SharedArrayBuffer(mebibyte)).fill(7);
  await collect(
    client.doPut(somewhere, [{ body: [from.subarray(0, 9), from.subarray(9)] }, { body: from }, { body: from }]),
  );
  t.deepEqual(seen, ["0: own 7 7", "1: shared 7 7", "2: shared 7 7"]);
  t.deepEqual(asked, [1, 2]);

  const messages = client.doGet(nothing);
  messages.allocate = (length) => new Uint8Array(new SharedArrayBuffer(length));
  const [message] = await collect(messages);
  t.true(message!.body.buffer instanceof SharedArrayBuffer);
  t.is(message!.body[mebibyte - 1], 7);
});

test("an allocator that fails ends the call with its error", async (t) => {
  const { client } = await pair(t, {
    async doPut(messages) {
      messages.allocate = async () => {
        throw new RangeError("the store is full");
      };
      await collect(messages);
    },
  });
  await t.throwsAsync(collect(client.doPut(somewhere, [{ body: new Uint8Array(mebibyte) }])), {
    message: /store is full/,
  });
});

test("a message over the limit is refused by either end", async (t) => {
  const handlers: FlightHandlers = {
    async doPut(messages) {
      await collect(messages);
    },
    *doGet() {
      yield { body: new Uint8Array(2 * mebibyte) };
    },
  };
  const limit = { maxMessageBytes: mebibyte };
  const { client } = await pair(t, handlers, { server: limit, client: limit });
  const endless = function* (): Generator<FlightDataOut> {
    for (;;) yield { body: new Uint8Array(2 * mebibyte) };
  };
  const expected = { code: "RESOURCE_EXHAUSTED" };
  t.like(
    await t.throwsAsync(collect(client.doPut(somewhere, endless())), { message: /raise maxMessageBytes/ }),
    expected,
  );
  t.like(await t.throwsAsync(collect(client.doGet(nothing))), expected);
});

test("cancelling reaches the handler: by signal, by deadline, by leaving the loop, by a stream that throws", async (t) => {
  const reasons: unknown[] = [];
  let ended = signalled();
  const watch = (call: ServerCall) =>
    call.signal.addEventListener("abort", () => {
      reasons.push(call.signal.reason.code);
      ended.resolve();
    });
  const put: unknown[] = [];
  const { client } = await pair(t, {
    async *doGet(_, call) {
      watch(call);
      for (;;) yield { body: new Uint8Array(1000) };
    },
    async doPut(messages, call) {
      watch(call);
      await collect(messages).then(
        () => put.push("clean"),
        () => put.push("cut"),
      );
    },
    async *doAction(_, call) {
      watch(call);
      yield nothing;
      await new Promise(() => {});
    },
  });
  for await (const _ of client.doGet(nothing)) break;
  await ended.promise;
  t.deepEqual(reasons, ["CANCELLED"]);

  ended = signalled();
  const abort = new AbortController();
  const call = client.doAction({ type: "stuck" }, { signal: abort.signal })[Symbol.asyncIterator]();
  await call.next();
  abort.abort();
  t.like(await t.throwsAsync(async () => call.next()), { code: "CANCELLED" });
  await ended.promise;

  ended = signalled();
  t.like(await t.throwsAsync(collect(client.doAction({ type: "stuck" }, { timeoutMs: 50 }))), {
    code: "DEADLINE_EXCEEDED",
  });
  await ended.promise;
  t.true(["DEADLINE_EXCEEDED", "CANCELLED"].includes(String(reasons[2])));

  ended = signalled();
  const breaking = async function* () {
    for (let i = 0; i < 20; i++) yield { body: new Uint8Array(100_000) };
    throw new RangeError("the source broke");
  };
  await t.throwsAsync(collect(client.doPut(somewhere, breaking())), {
    instanceOf: RangeError,
    message: "the source broke",
  });
  await ended.promise;
  await settle(() => put.length);
  t.deepEqual(put, ["cut"]);
});

test("calls that end with bytes unread do not use up the connection", async (t) => {
  const { client } = await pair(
    t,
    {
      async doPut(messages) {
        for await (const { appMetadata } of messages) {
          if (utf8(appMetadata) === "stop") throw new RangeError("enough");
          if (utf8(appMetadata) === "stall") await new Promise(() => {});
        }
      },
      async *doGet() {
        for (let i = 0; i < 20; i++) yield { body: new Uint8Array(mebibyte) };
      },
    },
    { server: { streamWindow: mebibyte }, client: { streamWindow: mebibyte } },
  );
  const send = (appMetadata: string, signal?: AbortSignal) => {
    const messages = Array.from({ length: 20 }, () => ({
      appMetadata: Buffer.from(appMetadata),
      body: new Uint8Array(mebibyte),
    }));
    return collect(client.doPut(somewhere, messages, { signal }));
  };
  // The connection's window is four streams'. A leak of one window a call would stop the seventh.
  for (let i = 0; i < 6; i++) {
    await t.throwsAsync(send("stop"), { message: /enough/ });
    await t.throwsAsync(send("stall", AbortSignal.timeout(50)));
    for await (const _ of client.doGet(nothing)) break;
  }
  t.deepEqual(await send("go on"), []);
  t.is((await collect(client.doGet(nothing))).length, 20);
});

/** A DoPut handler that tells when a stream's first messages are there, and how it ended. */
function watchPuts() {
  const watchers: { begun(): void; ended(outcome: string): void }[] = [];
  const handlers: FlightHandlers = {
    async doPut(messages: IncomingMessages) {
      const watcher = watchers.shift()!;
      let count = 0;
      try {
        for await (const _ of messages) if (++count === 2) watcher.begun();
        watcher.ended(`clean ${count}`);
      } catch (reason) {
        watcher.ended((reason as FlightError).code);
      }
    },
  };
  const next = () => {
    const [begun, ended] = [signalled(), signalled<string>()];
    watchers.push({ begun: begun.resolve, ended: ended.resolve });
    return { begun: begun.promise, outcome: ended.promise };
  };
  return { handlers, next };
}

test("a DoPut without the end of its stream is never taken for complete, however it is cut", async (t) => {
  const { handlers, next } = watchPuts();
  const { port } = await pair(t, handlers);
  const message = Buffer.concat(encodeFlightData({ descriptor: somewhere, body: new Uint8Array(1000) }));
  const messages = dataFrame(Buffer.concat([message, message]));
  const endings: Record<string, (socket: Socket) => void> = {
    "reset without error": (socket) => socket.write(resetFrame(constants.NGHTTP2_NO_ERROR)),
    "reset by cancel": (socket) => socket.write(resetFrame(constants.NGHTTP2_CANCEL)),
    "lost connection": (socket) => socket.destroy(),
    "connection ended in order": (socket) => socket.end(),
    "goodbye without error, and the connection ended": (socket) => socket.end(http2Frame(7, 0, 0, Buffer.alloc(8))),
    "the end of the stream inside a message": (socket) => socket.write(dataFrame(message.subarray(0, 99), true)),
    "the end of the stream": (socket) => socket.write(dataFrame(nothing, true)),
  };
  for (const [name, end] of Object.entries(endings)) {
    const { begun, outcome } = next();
    const socket = connectTcp(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write(Buffer.concat([preface, requestFrame(methodPath("DoPut")), messages]));
    await begun;
    end(socket);
    const expected = { "the end of the stream": "clean 2", "the end of the stream inside a message": "DATA_LOSS" }[
      name
    ];
    t.is(await outcome, expected ?? "CANCELLED", name);
    socket.destroy();
  }
});

test("a DoPut cut at any byte is never taken for complete", async (t) => {
  const { handlers, next } = watchPuts();
  const { port } = await pair(t, handlers);
  let allowance = Number.POSITIVE_INFINITY;
  let passed = 0;
  const proxy = createServer((near: Socket) => {
    const far = connectTcp(port, "127.0.0.1");
    for (const socket of [near, far]) socket.on("error", () => {});
    far.on("data", (chunk) => near.write(chunk));
    far.on("close", () => near.destroy());
    near.on("close", () => far.destroy());
    near.on("data", (chunk) => {
      const part = chunk.subarray(0, Math.max(0, allowance - passed));
      passed += part.byteLength;
      far.write(part, () => {
        // An end in order, so that all that was let through arrives.
        if (passed >= allowance) far.end();
      });
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.teardown(() => proxy.close());
  const address = proxy.address() as { port: number };
  const put = async (): Promise<void> => {
    const client = new FlightClient(`grpc://127.0.0.1:${address.port}`);
    passed = 0;
    try {
      await collect(
        client.doPut(
          somewhere,
          [1, 2, 3].map((n) => ({ body: new Uint8Array(20_000 * n) })),
        ),
      );
    } finally {
      await client.close();
    }
  };
  const whole = next();
  await put();
  t.is(await whole.outcome, "clean 3");
  const total = passed;
  // The last bytes may come after the end of the stream; the first are the connection's own and the call's headers.
  for (let cut = 400; cut < total - 64; cut += Math.ceil(total / 50)) {
    allowance = cut;
    const { outcome } = next();
    await t.throwsAsync(put(), { message: /cut off|Cannot reach/ });
    t.is(await outcome, "CANCELLED", `cut after ${cut} of ${total} bytes`);
  }
});

test("paths, methods and headers that are not Flight's are answered with a status", async (t) => {
  const { port } = await pair(t, {});
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  t.teardown(() => session.destroy());
  const ask = (headers: Record<string, string>) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const stream = session.request({ ":method": "POST", "content-type": "application/grpc", ...headers });
      stream.on("error", () => {});
      stream.on("response", (answer) => resolve(answer));
      stream.resume();
    });
  t.like(await ask({ ":path": "/no.Service/Method" }), { ":status": 200, "grpc-status": "12" });
  t.like(await ask({ ":path": methodPath("Handshake") }), { "grpc-status": "12" });
  t.like(await ask({ ":path": methodPath("DoGet"), "grpc-timeout": "soon" }), { "grpc-status": "3" });
  t.like(await ask({ ":path": "/", "content-type": "text/html" }), { ":status": 415 });
});

test("many calls share one connection", async (t) => {
  const { client } = await pair(t, {
    async *doAction({ body }) {
      yield body;
    },
  });
  const calls = Array.from({ length: 200 }, (_, i) =>
    collect(client.doAction({ type: "echo", body: Buffer.from(`${i}`) })),
  );
  const answers = (await Promise.all(calls)).map(([answer]) => utf8(answer!));
  t.deepEqual(
    answers,
    Array.from({ length: 200 }, (_, i) => `${i}`),
  );
});
