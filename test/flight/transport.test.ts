import { connect as connectHttp2, createServer, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Socket } from "node:net";
import { FlightClient, FlightError, FlightServer, type FlightServerOptions, type Incident } from "arrow-flight-node";
import { implementService } from "arrow-flight-node/grpc";
import { frame } from "arrow-flight-node/protocol";
import test, { type ExecutionContext } from "ava";
import { collect, signalled } from "./fixtures.js";
import { connectGrpcJs } from "./grpc-js.js";
import { dataFrame, http2Frame, preface, requestFrame } from "./http2-bytes.js";
import { interopServices, payload, testService } from "./interop-service.js";
import { runPyarrow, startPyarrowServer } from "./python.js";

type ClientOptions = ConstructorParameters<typeof FlightClient>[1];

function connect(t: ExecutionContext, uri: string, options: ClientOptions = {}) {
  const client = new FlightClient(uri, options);
  t.teardown(() => client.close());
  return client;
}

async function serve(t: ExecutionContext, options: FlightServerOptions = {}) {
  const server = new FlightServer({}, { services: interopServices(), ...options });
  const { uri, port } = await server.listen();
  t.teardown(() => server.close({ graceMs: 0 }));
  return { server, uri, port };
}

/** A way to `port` that can stop to carry anything, as a cable that is pulled. */
async function serveProxy(t: ExecutionContext, port: number) {
  const sockets = new Set<Socket>();
  const connections: Socket[] = [];
  let pulled = false;
  const proxy = createTcpServer((near) => {
    connections.push(near);
    const far = connectTcp(port, "127.0.0.1");
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => {});
      from.on("data", (chunk) => pulled || to.write(chunk));
      from.on("close", () => pulled || to.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return {
    uri: `grpc://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    connections,
    pull: () => {
      pulled = true;
    },
    mend: () => {
      pulled = false;
    },
  };
}

/** A bare HTTP/2 server on a port of its own. */
async function serveHttp2(t: ExecutionContext, settings: { maxConcurrentStreams?: number } = {}) {
  const server = createServer({ settings });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => {});
  });
  server.on("stream", (stream) => stream.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { server, sessions, uri: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Answers a call with one empty message and OK. */
function answer(stream: ServerHttp2Stream): void {
  stream.resume();
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(frame(new Uint8Array(0))[0]);
}

const { EmptyCall, FullDuplexCall, UnaryCall } = testService;

async function* never(): AsyncGenerator<object> {
  yield { responseParameters: [{ size: 1 }] };
  await new Promise(() => {});
}

test("a client finds out that its server is dead, and reaches it when it is back", async (t) => {
  const { port } = await serve(t);
  const proxy = await serveProxy(t, port);
  const client = connect(t, proxy.uri, { keepaliveMs: 200, keepaliveTimeoutMs: 500 });
  const responses = client.stream(FullDuplexCall, never())[Symbol.asyncIterator]();
  await responses.next();
  const began = performance.now();
  proxy.pull();
  const error = await t.throwsAsync(async () => responses.next(), { message: /no sign of life within 500 ms/ });
  t.like(error, { code: "UNAVAILABLE" });
  t.true(performance.now() - began < 10_000);
  proxy.mend();
  await client.call(EmptyCall, {});
  t.is(proxy.connections.length, 2);
});

test("a server process that stands still is found out, too", async (t) => {
  const server = await startPyarrowServer();
  const client = connect(t, server.uri, { keepaliveMs: 100, keepaliveTimeoutMs: 100 });
  const hanging = collect(client.doAction({ type: "hang" }));
  await collect(client.listActions());
  server.stand();
  t.like(await t.throwsAsync(hanging, { message: /no sign of life/ }), { code: "UNAVAILABLE" });
  await server.kill();
});

test.serial("a busy client takes no live server for dead", async (t) => {
  const { uri } = await serve(t);
  const client = connect(t, uri, { keepaliveMs: 20, keepaliveTimeoutMs: 20 });
  const proceed = signalled();
  const requests = async function* () {
    yield { responseParameters: [{ size: 1 }] };
    await proceed.promise;
    yield { responseParameters: [{ size: 2 }] };
  };
  const responses = client.stream(FullDuplexCall, requests())[Symbol.asyncIterator]();
  await responses.next();
  for (let turn = 0; turn < 5; turn++) {
    // This thread is the server's, too: neither side can answer meanwhile.
    const until = performance.now() + 100;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  proceed.resolve();
  t.is((await responses.next()).value?.payload?.body?.byteLength, 2);
});

test("a server drops a client that is dead, and its handler hears of it", async (t) => {
  const lost = signalled<unknown>();
  const watching = implementService(testService, {
    async *FullDuplexCall(requests, call) {
      call.signal.addEventListener("abort", () => lost.resolve(call.signal.reason));
      for await (const _ of requests) yield {};
    },
  });
  const { port } = await serve(t, { services: [watching], keepaliveMs: 200, keepaliveTimeoutMs: 500 });
  const proxy = await serveProxy(t, port);
  const responses = connect(t, proxy.uri).stream(FullDuplexCall, never())[Symbol.asyncIterator]();
  await responses.next();
  proxy.pull();
  t.like(await lost.promise, { code: "CANCELLED" });
});

test("a server says goodbye to a client that asks nothing", async (t) => {
  const { port } = await serve(t, { maxIdleMs: 1000 });
  const proxy = await serveProxy(t, port);
  const client = connect(t, proxy.uri);
  await client.call(EmptyCall, {});
  const [first] = proxy.connections;
  if (!first!.destroyed) await new Promise((resolve) => first!.once("close", resolve));
  await client.call(EmptyCall, {});
  t.true(proxy.connections.length > 1);
});

test("calls on a connection that says goodbye finish there, new ones go to another", async (t) => {
  const { server, sessions, uri } = await serveHttp2(t);
  const streams: ServerHttp2Stream[] = [];
  let come = signalled();
  server.on("stream", (stream) => {
    streams.push(stream);
    come.resolve();
  });
  const client = connect(t, uri);
  const first = client.call(EmptyCall, {});
  await come.promise;
  come = signalled();
  const [old] = sessions;
  // As servers do that know better: all that may still come is taken.
  old!.goaway(0, 2 ** 31 - 1);
  await new Promise<void>((resolve) => old!.ping(() => resolve()));
  const second = client.call(EmptyCall, {});
  await come.promise;
  t.is(sessions.size, 2);
  t.not(streams[0]!.session, streams[1]!.session);
  for (const stream of streams) answer(stream);
  await Promise.all([first, second]);
});

test("a call that crosses a goodbye is made again, with all that it had sent", async (t) => {
  const { server, sessions, uri } = await serveHttp2(t);
  const received: Buffer[] = [];
  server.on("stream", (stream) => {
    stream.on("data", (chunk: Buffer) => received.push(chunk));
    stream.on("end", () => answer(stream));
  });
  const ignoring = await serveIgnoring(t, uri);
  const client = connect(t, ignoring.uri);
  const resumed = signalled();
  const requests = async function* () {
    yield { payload: { body: Buffer.from("first") } };
    await resumed.promise;
    yield { payload: { body: Buffer.from("second") } };
  };
  const call = client.call(testService.StreamingInputCall, requests());
  await ignoring.ignored;
  resumed.resolve();
  await call;
  const sent = [Buffer.from("first"), Buffer.from("second")].flatMap((body) =>
    frame(testService.StreamingInputCall.requestSerialize({ payload: { body } })),
  );
  t.deepEqual(Buffer.concat(received), Buffer.concat(sent));
  t.is(sessions.size, 1);
});

/** A server that ignores the first connection's calls, saying so when the first message is there, and is another server for the next. */
async function serveIgnoring(t: ExecutionContext, next: string) {
  const ignored = signalled();
  const port = Number(next.split(":").at(-1));
  let first = true;
  const server = createTcpServer((near) => {
    near.on("error", () => {});
    if (!first) {
      const far = connectTcp(port, "127.0.0.1");
      far.on("error", () => {});
      near.pipe(far).pipe(near);
      return;
    }
    first = false;
    near.write(http2Frame(4, 0, 0, Buffer.alloc(0)));
    let seen = Buffer.alloc(0);
    near.on("data", (chunk) => {
      seen = Buffer.concat([seen, chunk]);
      if (!seen.includes("first")) return;
      // GOAWAY: the last stream that was looked at is 0.
      near.write(http2Frame(7, 0, 0, Buffer.alloc(8)));
      ignored.resolve();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void server.close());
  return { uri: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`, ignored: ignored.promise };
}

test("a call that is refused unseen is made again, but not for ever", async (t) => {
  const { server, uri } = await serveHttp2(t);
  let refusals = 2;
  let calls = 0;
  server.on("stream", (stream) => {
    calls++;
    if (refusals-- > 0) stream.close(7);
    else answer(stream);
  });
  const client = connect(t, uri);
  const ended = signalled<unknown>();
  let ends = 0;
  const end = (error: unknown) => {
    ends++;
    ended.resolve(error);
  };
  await client.call(EmptyCall, {}, { middleware: [() => ({ ended: end })] });
  t.is(calls, 3);
  t.is(await ended.promise, undefined);
  t.is(ends, 1);
  refusals = Number.POSITIVE_INFINITY;
  t.like(await t.throwsAsync(client.call(EmptyCall, {})), { code: "UNAVAILABLE" });
  t.is(calls, 6);
});

test("calls beyond what the server takes at once wait for their turn, or for their end", async (t) => {
  const { server, uri } = await serveHttp2(t, { maxConcurrentStreams: 2 });
  const open: ServerHttp2Stream[] = [];
  let most = 0;
  let come = signalled();
  let now = 0;
  server.on("stream", (stream) => {
    most = Math.max(most, ++now);
    stream.on("close", () => now--);
    open.push(stream);
    if (open.length === 2) come.resolve();
  });
  const client = connect(t, uri);
  const calls = Array.from({ length: 2 }, () => client.call(EmptyCall, {}));
  await come.promise;
  const abort = new AbortController();
  const given = client.call(EmptyCall, {}, { signal: abort.signal });
  abort.abort();
  t.like(await t.throwsAsync(given), { code: "CANCELLED" });
  t.like(await t.throwsAsync(client.call(EmptyCall, {}, { timeoutMs: 20 })), { code: "DEADLINE_EXCEEDED" });
  const more = Array.from({ length: 8 }, () => client.call(EmptyCall, {}));
  come = signalled();
  server.removeAllListeners("stream");
  server.on("stream", (stream) => {
    most = Math.max(most, ++now);
    stream.on("close", () => now--);
    stream.on("error", () => {});
    answer(stream);
  });
  for (const stream of open) answer(stream);
  await Promise.all([...calls, ...more]);
  t.true(most <= 2, `${most} calls at once`);
});

test("an address that does not answer is not hammered, and reached when it answers", async (t) => {
  const knocked: Socket[] = [];
  const door = createTcpServer((socket) => {
    knocked.push(socket);
    socket.on("error", () => {});
    socket.destroy();
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void door.close());
  const { port } = door.address() as AddressInfo;
  const client = connect(t, `grpc://127.0.0.1:${port}`);
  const began = performance.now();
  for (let i = 0; i < 200; i++) {
    t.like(await t.throwsAsync(client.call(EmptyCall, {})), { code: "UNAVAILABLE" });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  // The waits are 100, 160, 256 ms and so on, each a fifth shorter at most.
  let allowed = 1;
  for (let wait = 80, at = began; at < performance.now(); wait *= 1.6) {
    at += wait;
    allowed++;
  }
  t.true(knocked.length <= allowed, `${knocked.length} attempts, and ${allowed} allowed`);

  const waiting = client.call(EmptyCall, {}, { waitForReady: true, timeoutMs: 60_000 });
  const impatient = client.call(EmptyCall, {}, { waitForReady: true, timeoutMs: 50 });
  t.like(await t.throwsAsync(impatient), { code: "DEADLINE_EXCEEDED" });
  await new Promise((resolve) => door.close(resolve));
  await serve(t, { port });
  await waiting;
});

test("who waits for a server is let go when the client is closed", async (t) => {
  const client = new FlightClient("grpc://127.0.0.1:1");
  await t.throwsAsync(client.call(EmptyCall, {}));
  const waiting = client.call(EmptyCall, {}, { waitForReady: true });
  await client.close();
  t.like(await t.throwsAsync(waiting), { code: "FAILED_PRECONDITION" });
});

test("a client that is closed while it connects cuts off its calls at once", async (t) => {
  const silent = createTcpServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void silent.close());
  const client = new FlightClient(`grpc://127.0.0.1:${(silent.address() as AddressInfo).port}`);
  const call = client.call(EmptyCall, {});
  await client.close();
  t.like(await t.throwsAsync(call), { code: "FAILED_PRECONDITION" });
});

test("a server that takes connections and says nothing is given up in time", async (t) => {
  const silent = createTcpServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.teardown(() => void silent.close());
  const uri = `grpc://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  const client = connect(t, uri, { connectTimeoutMs: 50 });
  t.like(await t.throwsAsync(client.call(EmptyCall, {}), { message: /no answer within 50 ms/ }), {
    code: "UNAVAILABLE",
  });
});

test("a closing server lets the streams of pyarrow and grpc-js finish, and takes no more", async (t) => {
  const proceed = signalled();
  const begun = [signalled(), signalled()];
  const slowly = async function* <T>(index: number, first: T, last: T) {
    yield first;
    begun[index]!.resolve();
    await proceed.promise;
    yield last;
  };
  const slow = implementService(testService, {
    FullDuplexCall: () => slowly(0, { payload: payload(1) }, { payload: payload(2) }),
    EmptyCall: () => ({}),
  });
  const actions = { doAction: () => slowly(1, Buffer.from("first"), Buffer.from("last")) };
  const server = new FlightServer(actions, { services: [slow] });
  const { uri } = await server.listen();
  const grpcJs = connectGrpcJs(t, uri);
  const { requestSerialize, responseDeserialize } = FullDuplexCall;
  const duplex = grpcJs.makeBidiStreamRequest(FullDuplexCall.path, requestSerialize, responseDeserialize);
  const received = collect(duplex);
  const pyarrow = runPyarrow(uri, "act", "slow");
  await Promise.all(begun.map(({ promise }) => promise));

  const closed = server.close({ graceMs: 60_000 });
  const late = await new Promise<number | undefined>((resolve) => {
    const done = (error: { code: number } | null) => resolve(error?.code);
    grpcJs.makeUnaryRequest(EmptyCall.path, EmptyCall.requestSerialize, EmptyCall.responseDeserialize, {}, done);
  });
  t.is(late, 14);
  proceed.resolve();
  t.deepEqual(
    (await received).map(({ payload }) => payload.body.byteLength),
    [1, 2],
  );
  t.deepEqual(await pyarrow, ["first", "last"]);
  await closed;
});

test("calls go to a server's successor while those of the old one finish", async (t) => {
  const begun = signalled();
  const proceed = signalled();
  const named = (name: string) =>
    implementService(testService, {
      UnaryCall: () => ({ serverId: name }),
      async *FullDuplexCall() {
        yield { payload: payload(1) };
        begun.resolve();
        await proceed.promise;
        yield { payload: payload(2) };
      },
    });
  const { server, uri, port } = await serve(t, { services: [named("old")] });
  const client = connect(t, uri);
  const stream = collect(client.stream(FullDuplexCall, []));
  await begun.promise;
  const closed = server.close({ graceMs: 60_000 });
  await serve(t, { services: [named("new")], port });
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.call(UnaryCall, {})));
  t.deepEqual(new Set(answers.map(({ serverId }) => serverId)), new Set(["new"]));
  proceed.resolve();
  t.is((await stream).length, 2);
  await closed;
});

test("what a handler throws that cannot be sent is an error of that call alone", async (t) => {
  const thrown: unknown[] = [
    new FlightError("ABORTED", "no", { details: "text" as unknown as Uint8Array }),
    Object.create(null),
    Symbol("why"),
    undefined,
    Object.assign(new FlightError("ABORTED", "no"), { code: "NONSENSE" }),
  ];
  const throwing = implementService(testService, {
    EmptyCall: () => {
      throw thrown.shift();
    },
  });
  const client = connect(t, (await serve(t, { services: [throwing] })).uri);
  const codes: string[] = [];
  while (thrown.length > 0) {
    codes.push((await t.throwsAsync(client.call(EmptyCall, {}), { instanceOf: FlightError })).code);
  }
  t.deepEqual(codes, ["INTERNAL", "INTERNAL", "INTERNAL", "INTERNAL", "UNKNOWN"]);
});

test("an observer that throws at the end of a call harms no one", async (t) => {
  const { uri } = await serve(t);
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const failing = () => ({
    ended: () => {
      throw new RangeError("a bug in an observer");
    },
  });
  const client = connect(t, uri, { middleware: [failing] });
  await client.call(EmptyCall, {});
  t.regex((await warned).message, /a bug in an observer/);
  await client.call(EmptyCall, {});
});

test("a call whose server answers early and takes the rest in silence is over, too", async (t) => {
  const { server, uri } = await serveHttp2(t, { maxConcurrentStreams: 1 });
  server.on("stream", answer);
  const client = connect(t, uri);
  const ended = signalled<unknown>();
  const requests = async function* () {
    yield {};
    await new Promise(() => {});
  };
  const middleware = [() => ({ ended: ended.resolve })];
  await client.call(testService.StreamingInputCall, requests(), { middleware });
  t.is(await ended.promise, undefined);
  await client.call(EmptyCall, {});
});

test("a late call is ended, also where its client reads nothing", async (t) => {
  const { uri } = await serve(t);
  const session = connectHttp2(uri.replace("grpc:", "http:"), { settings: { initialWindowSize: 0 } });
  t.teardown(() => session.destroy());
  const stream = session.request({
    ":method": "POST",
    ":path": testService.StreamingOutputCall.path,
    "content-type": "application/grpc",
    "grpc-timeout": "100m",
  });
  stream.on("error", () => {});
  stream.end(frame(testService.StreamingOutputCall.requestSerialize({ responseParameters: [{ size: 100_000 }] }))[0]);
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve));
  t.is(stream.rstCode, 8);
});

test("headers that were set come before an answer of nothing", async (t) => {
  const empty = implementService(testService, {
    async *FullDuplexCall(_, call) {
      call.setHeader("x-first", "1");
      call.setTrailer("x-last", "2");
      yield* [];
    },
  });
  const client = connect(t, (await serve(t, { services: [empty] })).uri);
  const seen: string[] = [];
  const received = (headers: ReadonlyMap<string, string>, part: string) => {
    seen.push(`${part} ${headers.get("x-first")} ${headers.get("x-last")}`);
  };
  await collect(client.stream(FullDuplexCall, [], { middleware: [() => ({ received })] }));
  t.deepEqual(seen, ["headers 1 undefined", "trailers undefined 2"]);
});

test("headers may go before the first answer, for a client that waits for them", async (t) => {
  const early = implementService(testService, {
    async *FullDuplexCall(requests, call) {
      call.setHeader("x-ready", "yes");
      call.sendHeaders();
      t.throws(() => call.setHeader("x-late", "no"), { message: /comes too late/ });
      for await (const _ of requests) yield {};
    },
  });
  const client = connect(t, (await serve(t, { services: [early] })).uri);
  const ready = signalled();
  const requests = async function* () {
    await ready.promise;
    yield {};
  };
  const received = (headers: ReadonlyMap<string, string>) => {
    if (headers.get("x-ready") === "yes") ready.resolve();
  };
  const responses = collect(client.stream(FullDuplexCall, requests(), { middleware: [() => ({ received })] }));
  t.is((await responses).length, 1);
});

test("a client whose goodbye breaks HTTP/2's rules after its last call is no incident", async (t) => {
  const incidents: Incident[] = [];
  const { server, port } = await serve(t, { onIncident: (incident) => incidents.push(incident) });
  const socket = connectTcp(port, "127.0.0.1");
  socket.on("error", () => {});
  const request = [preface, requestFrame(EmptyCall.path), dataFrame(frame(new Uint8Array(0))[0]!, true)];
  socket.write(Buffer.concat(request));
  let seen = Buffer.alloc(0);
  await new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      seen = Buffer.concat([seen, chunk]);
      if (endsStream(seen)) resolve();
    });
  });
  const goodbye = Buffer.alloc(8);
  goodbye.writeUInt32BE(2 ** 31 - 1);
  socket.write(http2Frame(7, 0, 0, goodbye));
  await new Promise((resolve) => socket.once("close", resolve));
  await server.close();
  t.deepEqual(incidents, []);
});

/** Whether one of HTTP/2's frames in `bytes` is HEADERS that end their stream. */
function endsStream(bytes: Buffer): boolean {
  for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes[at + 3] === 1 && bytes[at + 4]! & 1) return true;
  }
  return false;
}
