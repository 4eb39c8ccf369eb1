import { connect as connectHttp2, constants, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  FlightClient,
  FlightError,
  type FlightErrorCode,
  FlightServer,
  type FlightServerOptions,
} from "arrow-flight-node";
import { decodeBinaryHeader, encodeBinaryHeader, implementService } from "arrow-flight-node/grpc";
import { frame } from "arrow-flight-node/protocol";
import test, { type ExecutionContext } from "ava";
import { collect, signalled, utf8 } from "./fixtures.js";
import { connectGrpcJs, startGrpcJs } from "./grpc-js.js";
import { interopCases } from "./interop-cases.js";
import { interopServices, payload, testService, unimplementedService } from "./interop-service.js";

type Ours = ConstructorParameters<typeof FlightClient>[1];

async function serve(t: ExecutionContext, options: FlightServerOptions = {}) {
  const handlers = {
    async *doAction({ body }: { body: Uint8Array }) {
      yield body;
    },
  };
  const server = new FlightServer(handlers, { services: interopServices(), ...options });
  const { uri } = await server.listen();
  t.teardown(() => server.close({ graceMs: 0 }));
  return uri;
}

function connect(t: ExecutionContext, uri: string, options: Ours = {}) {
  const client = new FlightClient(uri, options);
  t.teardown(() => client.close());
  return client;
}

/** A server that answers every call as `answer` says, by bare HTTP/2. */
async function serveHttp2(t: ExecutionContext, answer: (stream: ServerHttp2Stream) => void): Promise<FlightClient> {
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.resume();
    answer(stream);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect(t, `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => void server.close());
  return client;
}

const head = { ":status": 200, "content-type": "application/grpc" };

/** Sends `messages` and then trailers. */
function respond(stream: ServerHttp2Stream, messages: readonly Uint8Array[], trailers: Record<string, string>): void {
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(Buffer.concat(messages.flatMap((message) => frame(message))));
}

for (const [name, run] of Object.entries(interopCases)) {
  test(`gRPC's interop case ${name} passes between client and server of this package`, async (t) => {
    const uri = await serve(t);
    await run(connect(t, uri), () => new FlightClient(uri));
    t.pass();
  });

  if (name.startsWith("orca")) continue;
  test(`gRPC's interop case ${name} passes against grpc-js's server`, async (t) => {
    const uri = await startGrpcJs(t);
    await run(connect(t, uri), () => new FlightClient(uri));
    t.pass();
  });
}

test("Flight and other services share one server and one connection", async (t) => {
  const client = connect(t, await serve(t));
  const [echo] = await collect(client.doAction({ type: "echo", body: Buffer.from("hi") }));
  t.is(utf8(echo!), "hi");
  await interopCases.large_unary!(client, () => client);
});

test("grpc-js's client calls a service of each kind", async (t) => {
  const client = connectGrpcJs(t, await serve(t));
  const { UnaryCall, StreamingInputCall, StreamingOutputCall, FullDuplexCall } = testService;

  const sent = new Metadata();
  const bytes = Buffer.of(0, 255, 10, 7);
  sent.set("x-grpc-test-echo-initial", "one");
  sent.add("x-grpc-test-echo-trailing-bin", bytes);
  sent.add("x-grpc-test-echo-trailing-bin", Buffer.of(1));
  const unary = await new Promise<{ size: number; initial: unknown; trailing: unknown }>((resolve, reject) => {
    const received: { size?: number; initial?: unknown } = {};
    const call = client.makeUnaryRequest(
      UnaryCall.path,
      UnaryCall.requestSerialize,
      UnaryCall.responseDeserialize,
      { responseSize: 314159, payload: payload(271828) },
      sent,
      (error, response) => {
        if (error) reject(error);
        received.size = response?.payload?.body?.byteLength ?? 0;
      },
    );
    call.on("metadata", (metadata) => {
      received.initial = metadata.get("x-grpc-test-echo-initial");
    });
    call.on("status", ({ metadata }) => {
      const trailing = metadata.get("x-grpc-test-echo-trailing-bin");
      resolve({ size: received.size!, initial: received.initial, trailing });
    });
  });
  t.deepEqual(unary, { size: 314159, initial: ["one"], trailing: [bytes, Buffer.of(1)] });

  const total = await new Promise<number | undefined>((resolve, reject) => {
    const call = client.makeClientStreamRequest(
      StreamingInputCall.path,
      StreamingInputCall.requestSerialize,
      StreamingInputCall.responseDeserialize,
      (error, response) => (error ? reject(error) : resolve(response?.aggregatedPayloadSize)),
    );
    for (const size of [27182, 8, 1828]) call.write({ payload: payload(size) });
    call.end();
  });
  t.is(total, 27182 + 8 + 1828);

  const sizes: number[] = [];
  const responses = client.makeServerStreamRequest(
    StreamingOutputCall.path,
    StreamingOutputCall.requestSerialize,
    StreamingOutputCall.responseDeserialize,
    { responseParameters: [{ size: 31415 }, { size: 9 }] },
  );
  for await (const response of responses) sizes.push(response.payload.body.byteLength);
  t.deepEqual(sizes, [31415, 9]);

  const duplex = client.makeBidiStreamRequest(
    FullDuplexCall.path,
    FullDuplexCall.requestSerialize,
    FullDuplexCall.responseDeserialize,
  );
  duplex.write({ responseParameters: [{ size: 5 }] });
  let answers = 0;
  for await (const response of duplex) {
    answers += response.payload.body.byteLength;
    if (answers < 15) duplex.write({ responseParameters: [{ size: 5 }] });
    else duplex.end();
  }
  t.is(answers, 15);
});

test("grpc-js's client gets the status of every failure", async (t) => {
  const client = connectGrpcJs(t, await serve(t));
  const ask = (
    method: { path: string },
    request: Parameters<typeof testService.UnaryCall.requestSerialize>[0],
    deadline?: number,
  ) =>
    new Promise<ServiceError>((resolve) => {
      const { requestSerialize, responseDeserialize } = testService.UnaryCall;
      const options = deadline === undefined ? {} : { deadline: Date.now() + deadline };
      const done = (error: ServiceError | null) => resolve(error!);
      client.makeUnaryRequest(
        method.path,
        requestSerialize,
        responseDeserialize,
        request,
        new Metadata(),
        options,
        done,
      );
    });
  const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
  t.like(await ask(testService.UnaryCall, { responseStatus: { code: 7, message } }), { code: 7, details: message });
  t.regex((await ask(testService.UnimplementedCall, {})).details, /does not answer .*\/UnimplementedCall/);
  const service = await ask(unimplementedService.UnimplementedCall, {});
  t.is(service.code, 12);
  t.regex(service.details, /has no service grpc\.testing\.UnimplementedService\./);
});

test("token, identity and middleware hold for every service", async (t) => {
  const seen: string[] = [];
  const whoami = implementService(testService, {
    UnaryCall: (_, call) => ({ serverId: String(call.identity) }),
  });
  const server = new FlightServer(
    { authenticate: ({ headers }) => headers.get("x-user") },
    {
      token: "secret",
      services: [whoami],
      middleware: [
        (call) => {
          seen.push(call.path);
          return (error) => seen.push(error?.code ?? "OK");
        },
      ],
    },
  );
  const { uri } = await server.listen();
  t.teardown(() => server.close({ graceMs: 0 }));
  const client = connect(t, uri, { token: "secret", headers: { "x-user": "ann" } });
  t.is((await client.call(testService.UnaryCall, {})).serverId, "ann");
  t.like(await t.throwsAsync(connect(t, uri).call(testService.UnaryCall, {})), { code: "UNAUTHENTICATED" });
  t.deepEqual(seen, [testService.UnaryCall.path, "OK", testService.UnaryCall.path, "UNAUTHENTICATED"]);
});

test("a path is answered by one service", (t) => {
  const services = [interopServices()[0]!, interopServices()[0]!];
  t.throws(() => new FlightServer({}, { services }), { message: /EmptyCall would be answered twice/ });
});

test("a method is called as what it is", async (t) => {
  const client = connect(t, "grpc://127.0.0.1:1");
  // @ts-expect-error: it gives a stream
  await t.throwsAsync(client.call(testService.FullDuplexCall, []), { message: /gives a stream.*Use stream/ });
  // @ts-expect-error: it gives one response
  t.throws(() => client.stream(testService.UnaryCall, {}), { message: /gives one response.*Use call/ });
  t.throws(
    () =>
      implementService(testService, { EmptyCall: () => ({}) })
        .routes.get("nothing")!
        .toString(),
    {
      instanceOf: TypeError,
    },
  );
});

test("one request and one response are exactly one", async (t) => {
  const ok = { "grpc-status": "0" };
  let messages: Uint8Array[] = [];
  const client = await serveHttp2(t, (stream) => respond(stream, messages, ok));
  for (const [count, text] of [
    [0, /without a response/],
    [2, /with more than one response/],
  ] as const) {
    messages = Array.from({ length: count }, () => new Uint8Array(0));
    const error = await t.throwsAsync(client.call(testService.EmptyCall, {}), { instanceOf: FlightError });
    t.is(error.code, "INTERNAL");
    t.regex(error.message, text);
  }

  let asked = 0;
  const counted = implementService(testService, {
    EmptyCall: () => {
      asked++;
      return {};
    },
  });
  const session = connectHttp2((await serve(t, { services: [counted] })).replace("grpc:", "http:"));
  t.teardown(() => session.destroy());
  for (const count of [0, 2]) {
    const stream = session.request({ ...call, ":path": testService.EmptyCall.path });
    stream.end(Buffer.concat(Array.from({ length: count }, () => frame(new Uint8Array(0))).flat()));
    t.is((await statusOf(stream))["grpc-status"], "13");
  }
  t.is(asked, 0);
});

const call = { ":method": "POST", "content-type": "application/grpc", te: "trailers" };

function statusOf(stream: import("node:http2").ClientHttp2Stream): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    stream.on("error", () => {});
    stream.on("response", (headers) => "grpc-status" in headers && resolve(headers));
    stream.on("trailers", resolve);
    stream.resume();
  });
}

test("what a server sends that is no gRPC becomes the code that gRPC gives it", async (t) => {
  let answer: (stream: ServerHttp2Stream) => void = () => {};
  const client = await serveHttp2(t, (stream) => answer(stream));
  const expected: [FlightErrorCode, (stream: ServerHttp2Stream) => void][] = [
    ["UNAUTHENTICATED", (stream) => stream.respond({ ":status": 401 }, { endStream: true })],
    ["PERMISSION_DENIED", (stream) => stream.respond({ ":status": 403 }, { endStream: true })],
    ["UNIMPLEMENTED", (stream) => stream.respond({ ":status": 404 }, { endStream: true })],
    ["UNAVAILABLE", (stream) => stream.respond({ ":status": 503 }, { endStream: true })],
    ["UNKNOWN", (stream) => stream.respond({ ":status": 302 }, { endStream: true })],
    // A status of gRPC's counts more than HTTP's.
    ["ABORTED", (stream) => stream.respond({ ...head, ":status": 503, "grpc-status": "10" }, { endStream: true })],
    ["UNKNOWN", (stream) => stream.respond({ ":status": 200, "content-type": "text/html" }, { endStream: true })],
    ["UNKNOWN", (stream) => stream.respond({ ...head, "grpc-status": "99" }, { endStream: true })],
    ["UNKNOWN", (stream) => stream.respond(head, { endStream: true })],
    ["DATA_LOSS", (stream) => stream.respond({ ...head, "grpc-status": "15" }, { endStream: true })],
    ["RESOURCE_EXHAUSTED", (stream) => reset(stream, constants.NGHTTP2_ENHANCE_YOUR_CALM)],
    ["PERMISSION_DENIED", (stream) => reset(stream, constants.NGHTTP2_INADEQUATE_SECURITY)],
    ["CANCELLED", (stream) => reset(stream, constants.NGHTTP2_CANCEL)],
    ["INTERNAL", (stream) => reset(stream, constants.NGHTTP2_PROTOCOL_ERROR)],
    ["UNAVAILABLE", (stream) => reset(stream, constants.NGHTTP2_REFUSED_STREAM)],
    ["UNAVAILABLE", (stream) => stream.session?.destroy()],
  ];
  for (const [code, answers] of expected) {
    answer = answers;
    const error = await t.throwsAsync(client.call(testService.EmptyCall, {}), { instanceOf: FlightError });
    t.is(error.code, code, `${answers}: ${error.message}`);
  }
});

/** Resets a call before its response. */
function reset(stream: ServerHttp2Stream, code: number): void {
  stream.close(code);
}

test("binary headers come with or without padding, several under one name", (t) => {
  t.is(encodeBinaryHeader(Buffer.of(1)), "AQ");
  t.is(encodeBinaryHeader(Buffer.of(1), new Uint8Array(0), Buffer.of(1, 2)), "AQ,,AQI");
  for (const header of ["AQ==,AQI=", "AQ, AQI", "AQ,AQI="]) {
    t.deepEqual(
      decodeBinaryHeader(header).map((value) => [...value]),
      [[1], [1, 2]],
      header,
    );
  }
});

test("details travel beside the status", async (t) => {
  const details = Uint8Array.of(8, 5, 255, 0);
  const failing = implementService(testService, {
    EmptyCall: () => {
      throw new FlightError("ABORTED", "no", { details });
    },
  });
  const client = connect(t, await serve(t, { services: [failing] }));
  const error = await t.throwsAsync(client.call(testService.EmptyCall, {}), { instanceOf: FlightError });
  t.deepEqual([...error.details!], [...details]);
});

test("headers that cannot be sent are errors of who set them, and of no one else", async (t) => {
  const bad = [
    ["bad name", "x"],
    ["Upper", "x"],
    ["x-value", "ü"],
    ["x-lines", "a\r\nb"],
    ["x-bin", "not base64!"],
    ["grpc-status", "0"],
    ["connection", "close"],
    ["", "x"],
  ] as const;
  let set: (call: {
    setHeader(name: string, value: string): void;
    setTrailer(name: string, value: string): void;
  }) => void;
  const setting = implementService(testService, {
    EmptyCall: (_, call) => {
      set(call);
      return {};
    },
    async *FullDuplexCall(requests) {
      yield {};
      for await (const _ of requests) yield {};
    },
  });
  const client = connect(t, await serve(t, { services: [setting] }));
  const done = signalled();
  const requests = async function* () {
    await done.promise;
    yield {};
  };
  const other = client.stream(testService.FullDuplexCall, requests())[Symbol.asyncIterator]();
  await other.next();
  for (const [name, value] of bad) {
    const ours = client.call(testService.EmptyCall, {}, { headers: { [name]: value } });
    t.like(await t.throwsAsync(ours, { message: /The header/ }), { code: "INVALID_ARGUMENT" }, name);
    set = (call) => call.setHeader(name, value);
    t.like(await t.throwsAsync(client.call(testService.EmptyCall, {})), { code: "INVALID_ARGUMENT" }, name);
    set = (call) => call.setTrailer(name, value);
    t.like(await t.throwsAsync(client.call(testService.EmptyCall, {})), { code: "INVALID_ARGUMENT" }, name);
  }
  done.resolve();
  t.false((await other.next()).done);
  t.true((await other.next()).done);
});

test("messages that gRPC compresses are refused before any handler runs", async (t) => {
  const session = connectHttp2((await serve(t)).replace("grpc:", "http:"));
  t.teardown(() => session.destroy());
  const ask = (encoding: string, flag: number) => {
    const stream = session.request({ ...call, ":path": testService.EmptyCall.path, "grpc-encoding": encoding });
    stream.end(Buffer.of(flag, 0, 0, 0, 0));
    return statusOf(stream);
  };
  const refused = { "grpc-status": "12", "grpc-accept-encoding": "identity" };
  t.like(await ask("gzip", 1), refused);
  t.like(await ask("snappy", 0), refused);
  t.like(await ask("identity", 0), { "grpc-status": "0" });
  t.like(await ask("identity", 1), { "grpc-status": "13" });
});

test("only gRPC is taken for gRPC", async (t) => {
  const session = connectHttp2((await serve(t)).replace("grpc:", "http:"));
  t.teardown(() => session.destroy());
  const ask = (headers: Record<string, string>) =>
    new Promise<unknown>((resolve) => {
      const stream = session.request({ ":path": testService.EmptyCall.path, ...call, ...headers });
      stream.on("response", (answer) => resolve([answer[":status"], answer["grpc-status"]]));
      stream.on("error", () => {});
      stream.resume();
      stream.end(Buffer.alloc(5));
    });
  t.deepEqual(await ask({ "content-type": "application/grpc+proto" }), [200, undefined]);
  t.deepEqual(await ask({ "content-type": "application/grpc-web" }), [415, undefined]);
  t.deepEqual(await ask({ "content-type": "text/html" }), [415, undefined]);
  t.deepEqual(await ask({ ":method": "PUT" }), [405, undefined]);
});

test("a message that a definition cannot read or write is an error on the side that has it", async (t) => {
  const strange = {
    Call: {
      ...testService.EmptyCall,
      requestSerialize: (text: string) => Buffer.from(text),
      requestDeserialize(bytes: Buffer) {
        if (bytes.length === 0) throw new RangeError("nothing there");
        return bytes.toString();
      },
      responseSerialize: (length: number) => Buffer.alloc(length),
    },
  };
  const counting = implementService(strange, { Call: (text) => text.length - 2 });
  const client = connect(t, await serve(t, { services: [counting] }));
  await client.call(strange.Call, "ok");
  const read = await t.throwsAsync(client.call(strange.Call, ""), { instanceOf: FlightError });
  t.is(read.code, "INTERNAL");
  t.regex(read.message, /cannot be read as a request of .*nothing there/);
  const written = await t.throwsAsync(client.call(strange.Call, "x"), { instanceOf: FlightError });
  t.is(written.code, "INTERNAL");
  t.regex(written.message, /cannot be written as a response/);
});
