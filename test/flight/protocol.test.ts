import { FlightError } from "arrow-flight-node";
import { readMessage } from "arrow-flight-node/ipc";
import {
  allocateAligned,
  copyBytes,
  decodeAction,
  decodeActionType,
  decodeDescriptor,
  decodeEndpoint,
  decodeFlightData,
  decodeInfo,
  decodePollInfo,
  decodeStatus,
  encodeAction,
  encodeActionType,
  encodeDescriptor,
  encodeEndpoint,
  encodeFlightData,
  encodeInfo,
  encodePollInfo,
  encodeStatus,
  FrameAssembler,
  formatLocation,
  formatTimeout,
  isLoopback,
  parseLocation,
  parseTimeout,
  percentDecode,
  percentEncode,
  unwrapBytes,
  wrapBytes,
} from "arrow-flight-node/protocol";
import test from "ava";
import fc from "fast-check";
import { readFixture, utf8 } from "./fixtures.js";

const proto = (name: string) => new Uint8Array(readFixture(`proto/${name}.bin`));

/** All messages in `chunks`, put together synchronously. */
function assemble(chunks: Iterable<Uint8Array>, limit = 1 << 20): Uint8Array[] {
  const assembler = new FrameAssembler(limit);
  const messages: Uint8Array[] = [];
  for (const chunk of chunks) {
    assembler.push(chunk);
    for (;;) {
      const message = assembler.take(allocateAligned);
      if (!(message instanceof Uint8Array)) break;
      messages.push(message);
    }
  }
  if (!assembler.empty) throw new Error("bytes are left");
  return messages;
}

test("pyarrow's messages are read, and written byte for byte the same", (t) => {
  const path = decodeDescriptor(proto("descriptor-path"));
  t.deepEqual(path, { type: "path", path: ["battery", "phase_1"] });
  t.deepEqual(encodeDescriptor(path), proto("descriptor-path"));
  t.deepEqual(decodeDescriptor(proto("descriptor-root")), { type: "path", path: [] });
  const command = decodeDescriptor(proto("descriptor-command"));
  t.is(command.type === "command" && utf8(command.command), '{"dataset":"d"}');
  t.deepEqual(encodeDescriptor(command), proto("descriptor-command"));

  const endpoint = decodeEndpoint(proto("endpoint"));
  t.deepEqual(endpoint.locations, ["grpc://127.0.0.1:1234", "grpc+tls://example.org:443"]);
  t.is(endpoint.expirationTime?.toISOString(), "2030-01-02T03:04:05.600Z");
  t.deepEqual(encodeEndpoint(endpoint), proto("endpoint"));

  const info = decodeInfo(proto("info"));
  t.like(info, { totalRecords: 12, totalBytes: 3456, ordered: true, descriptor: path });
  t.is(utf8(info.endpoints[1]!.ticket), "t2");
  t.deepEqual(encodeInfo(info), proto("info"));
  const unknown = decodeInfo(proto("info-unknown"));
  t.like(unknown, { totalRecords: -1, totalBytes: -1 });
  t.deepEqual(encodeInfo(unknown), proto("info-unknown"));

  const action = decodeAction(proto("action"));
  t.is(action.type, "seal");
  t.deepEqual(encodeAction(action), proto("action"));
  for (const name of ["ticket", "result", "schema-result"]) {
    t.deepEqual(wrapBytes(unwrapBytes(proto(name))), proto(name));
  }
  const [type] = assemble([readFixture("wire/list-actions.grpc")]);
  t.deepEqual(decodeActionType(type!), { type: "seal", description: "makes a dataset visible" });
  t.deepEqual(encodeActionType(decodeActionType(type!)), type);
});

test("pyarrow's DoPut is read message by message, and written byte for byte the same", (t) => {
  const wire = readFixture("wire/do-put.grpc");
  const messages = assemble([wire]).map(decodeFlightData);
  const kinds = messages.map(({ header }) => (header.byteLength === 0 ? "metadata" : readMessage(header).kind));
  t.deepEqual(kinds, ["schema", "dictionaryBatch", "recordBatch", "recordBatch", "metadata"]);
  t.deepEqual(messages[0]?.descriptor, { type: "path", path: ["battery", "phase_1"] });
  t.is(utf8(messages[2]!.appMetadata), "a note");
  t.is(utf8(messages[4]!.appMetadata), "the end");
  for (const { header, body, bytes } of messages.slice(1, 4)) {
    t.is(readMessage(header, body).bodyLength, body.byteLength);
    t.is(body.buffer, bytes.buffer);
    t.is(body.byteOffset % 8, 0);
  }
  t.deepEqual(Buffer.concat(messages.flatMap((message) => encodeFlightData(message))), wire);
});

test("any split of the bytes into chunks gives the same messages", (t) => {
  for (const name of ["do-put", "do-get", "put-results", "list-actions"]) {
    const wire = readFixture(`wire/${name}.grpc`);
    const whole = assemble([wire]);
    fc.assert(
      fc.property(fc.array(fc.nat(wire.byteLength), { maxLength: 40 }), (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), wire.byteLength];
        const chunks = edges.slice(1).map((edge, i) => wire.subarray(edges[i], edge));
        t.deepEqual(assemble(chunks), whole);
      }),
      { numRuns: 200 },
    );
  }
});

test("bytes are copied right into memory of any kind and alignment", (t) => {
  const from = Uint8Array.from({ length: 100 }, (_, i) => i);
  for (const buffer of [new ArrayBuffer(128), new SharedArrayBuffer(128)]) {
    for (let offset = 0; offset < 9; offset++) {
      const into = new Uint8Array(buffer, offset);
      into.fill(255);
      copyBytes(from.subarray(3, 90), into, 5);
      t.deepEqual([...into.subarray(0, 94)], [...Array(5).fill(255), ...from.subarray(3, 90), 255, 255]);
    }
  }
});

test("a long message's memory is asked for once an eighth of it is there", (t) => {
  const length = 16 << 20;
  const asked: number[] = [];
  const allocate = (bytes: number) => {
    asked.push(bytes);
    return allocateAligned(bytes);
  };
  const assembler = new FrameAssembler(length);
  assembler.push(Uint8Array.of(0, 1, 0, 0, 0));
  t.is(assembler.take(allocate), undefined);
  assembler.push(new Uint8Array(length / 8 - 1));
  t.is(assembler.take(allocate), undefined);
  t.deepEqual(asked, []);
  assembler.push(new Uint8Array(1));
  t.is(assembler.take(allocate), undefined);
  t.deepEqual(asked, [length]);
  assembler.push(new Uint8Array((length * 7) / 8));
  t.is((assembler.take(allocate) as Uint8Array).byteLength, length);
});

test("memory may come later, and from shared memory", async (t) => {
  const assembler = new FrameAssembler(100);
  assembler.push(Uint8Array.of(0, 0, 0, 0, 3, 7, 8, 9));
  const shared = new Uint8Array(new SharedArrayBuffer(8), 1, 3);
  const waiting = assembler.take(async () => shared);
  t.true(waiting instanceof Promise);
  await waiting;
  t.is(assembler.take(allocateAligned), shared);
  t.deepEqual([...shared], [7, 8, 9]);
  t.true(assembler.empty);
});

test("messages over the limit, compressed ones and other bytes are refused", (t) => {
  const refuse = (...bytes: number[]) =>
    t.throws(() => assemble([Uint8Array.from(bytes)], 4), { instanceOf: FlightError });
  t.like(refuse(0, 0, 0, 0, 5), { code: "RESOURCE_EXHAUSTED" });
  t.like(refuse(0, 255, 255, 255, 255), { code: "RESOURCE_EXHAUSTED" });
  t.like(refuse(1, 0, 0, 0, 1, 0), { code: "INTERNAL" });
  t.like(refuse(72, 84, 84, 80, 47), { code: "INTERNAL" });
});

test("protobuf that is none is a FlightError", (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const decode of [
        decodeInfo,
        decodeFlightData,
        decodeAction,
        decodeDescriptor,
        decodePollInfo,
        unwrapBytes,
      ]) {
        try {
          decode(bytes);
        } catch (reason) {
          if (!(reason instanceof FlightError)) throw reason;
        }
      }
    }),
    { numRuns: 2000 },
  );
  t.like(
    t.throws(() => decodeDescriptor(Uint8Array.of(8, 9))),
    { code: "INVALID_ARGUMENT" },
  );
  t.like(
    t.throws(() => decodeInfo(Uint8Array.of(10, 200, 1))),
    { code: "INVALID_ARGUMENT" },
  );
});

test("how far a query is goes out and in again, to the millisecond", (t) => {
  const poll = {
    info: { endpoints: [], totalRecords: -1, totalBytes: -1 },
    descriptor: { type: "command" as const, command: Uint8Array.of(9) },
    progress: 0,
    expirationTime: new Date(-1),
  };
  const bytes = encodePollInfo(poll);
  t.is(
    Buffer.from(encodePollInfo({ descriptor: poll.descriptor, progress: 0.5 })).toString("hex"),
    "12050802120109" + "19000000000000e03f",
  );
  t.deepEqual(decodePollInfo(bytes), poll);
  t.deepEqual(decodePollInfo(new Uint8Array(0)), {});
});

test("a status goes into trailers and out again", (t) => {
  t.is(decodeStatus(encodeStatus(undefined)), undefined);
  const error = new FlightError("NOT_FOUND", "naïve 100 % ✓\n", { details: Uint8Array.of(1, 2) });
  const trailers = encodeStatus(error);
  t.is(trailers["grpc-status"], "5");
  t.is(trailers["grpc-message"], "na%C3%AFve 100 %25 %E2%9C%93%0A");
  t.like(decodeStatus(trailers), { code: "NOT_FOUND", message: error.message });
  t.deepEqual([...decodeStatus(trailers)!.details!], [1, 2]);
  t.is(decodeStatus({ ":status": 503 })?.code, "UNAVAILABLE");
  t.is(decodeStatus({ "grpc-status": "99" })?.code, "UNKNOWN");
  t.is(percentDecode("100% sure %zz"), "100% sure %zz");
  t.true(percentEncode("é".repeat(10_000)).length < 4200);
});

test("timeouts are read and written in gRPC's units", (t) => {
  t.deepEqual(["2H", "3M", "4S", "5m", "6000u", "7000000n"].map(parseTimeout), [7_200_000, 180_000, 4000, 5, 6, 7]);
  t.deepEqual([1, 0.2, 99_999_999, 1e9, 1e12].map(formatTimeout), ["1m", "1m", "99999999m", "1000000S", "16666667M"]);
  for (const wrong of ["", "5", "m", "-1S", "123456789S", "1d"]) t.throws(() => parseTimeout(wrong));
});

test("locations are read, and what is wrong with one is said", (t) => {
  t.deepEqual(parseLocation("grpc://localhost:1"), { host: "localhost", port: 1 });
  t.deepEqual(parseLocation("grpc+tcp://[::1]:8815/"), { host: "::1", port: 8815 });
  t.is(formatLocation({ host: "::1", port: 8815 }), "grpc://[::1]:8815");
  t.deepEqual(parseLocation("grpc+tls://h:1"), { host: "h", port: 1, tls: true });
  t.deepEqual(parseLocation("grpc+unix:///run/a b.sock"), { host: "localhost", port: 0, path: "/run/a b.sock" });
  for (const uri of ["grpc+tls://h:1", "grpc+unix:///run/a.sock"]) t.is(formatLocation(parseLocation(uri)), uri);
  for (const [uri, complaint] of [
    ["http://localhost:1", /the scheme "http"/],
    ["grpc://localhost", /has no port/],
    ["grpc://:1", /has no host/],
    ["grpc://h:70000", /the port 70000/],
    ["localhost:1", /not of that form/],
  ] as const) {
    const error = t.throws(() => parseLocation(uri), { instanceOf: FlightError, message: complaint });
    t.is(error.code, "INVALID_ARGUMENT");
    t.regex(error.message, /Write grpc:\/\/host:port/);
  }
  t.deepEqual(
    ["127.0.0.1", "127.9.9.9", "::1", "localhost", "0.0.0.0", "::", "127.evil.org", "10.0.0.1"].map(isLoopback),
    [true, true, true, true, false, false, false, false],
  );
});
