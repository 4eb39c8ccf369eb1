import assert from "node:assert/strict";
import type { ClientMiddleware, FlightClient, FlightErrorCode } from "arrow-flight-node";
import { decodeBinaryHeader, encodeBinaryHeader } from "arrow-flight-node/grpc";
import { collect } from "./fixtures.js";
import {
  loadHeader,
  loadService,
  type OutputRequest,
  payload,
  testService,
  unimplementedService,
} from "./interop-service.js";

/** What our client does in a case; throws when the server is not as it must be. `connect` makes another client of the same server. */
type InteropCase = (client: FlightClient, connect: () => FlightClient) => Promise<void>;

/** gRPC's interop test cases; the names are those of gRPC's own clients. */
export const interopCases: Readonly<Record<string, InteropCase>> = {
  async empty_unary(client) {
    assert.deepEqual({ ...(await client.call(testService.EmptyCall, {})) }, {});
  },

  large_unary: largeUnary,

  async client_streaming(client) {
    const requests = requestSizes.map((size) => ({ payload: payload(size) }));
    const { aggregatedPayloadSize } = await client.call(testService.StreamingInputCall, requests);
    assert.equal(aggregatedPayloadSize, 74922);
  },

  async server_streaming(client) {
    const request = { responseParameters: responseSizes.map((size) => ({ size })) };
    assert.deepEqual(await sizes(client.stream(testService.StreamingOutputCall, request)), responseSizes);
  },

  async ping_pong(client) {
    const answered = turns();
    const requests = async function* () {
      for (const [i, size] of requestSizes.entries()) {
        yield { responseParameters: [{ size: responseSizes[i]! }], payload: payload(size) };
        await answered.next();
      }
    };
    const received: number[] = [];
    for await (const response of client.stream(testService.FullDuplexCall, requests())) {
      received.push(response.payload?.body?.byteLength ?? 0);
      answered.pass();
    }
    assert.deepEqual(received, responseSizes);
  },

  async empty_stream(client) {
    assert.deepEqual(await collect(client.stream(testService.FullDuplexCall, [])), []);
  },

  async timeout_on_sleeping_server(client) {
    const options = { timeoutMs: 1 };
    await fails("DEADLINE_EXCEEDED", collect(client.stream(testService.FullDuplexCall, once(27182), options)));
  },

  async cancel_after_begin(client) {
    const abort = new AbortController();
    const requests = async function* () {
      abort.abort();
      yield* [] as { payload: { body: Uint8Array } }[];
    };
    await fails("CANCELLED", client.call(testService.StreamingInputCall, requests(), { signal: abort.signal }));
  },

  async cancel_after_first_response(client) {
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const responses = client.stream(testService.FullDuplexCall, once(27182, 31415), options)[Symbol.asyncIterator]();
    const first = await responses.next();
    assert.equal(first.value?.payload?.body?.byteLength, 31415);
    abort.abort();
    await fails("CANCELLED", responses.next());
  },

  async status_code_and_message(client) {
    const responseStatus = { code: 2, message: "test status message" };
    await fails("UNKNOWN", client.call(testService.UnaryCall, { responseStatus }), responseStatus.message);
    const duplex = client.stream(testService.FullDuplexCall, [{ responseStatus }]);
    await fails("UNKNOWN", collect(duplex), responseStatus.message);
  },

  async special_status_message(client) {
    const message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    await fails("UNKNOWN", client.call(testService.UnaryCall, { responseStatus: { code: 2, message } }), message);
  },

  async custom_metadata(client) {
    const unary = echo();
    await client.call(testService.UnaryCall, { responseSize: 1, payload: payload(1) }, unary.options);
    unary.check();
    const duplex = echo();
    await collect(client.stream(testService.FullDuplexCall, [{ responseParameters: [{ size: 1 }] }], duplex.options));
    duplex.check();
  },

  async unimplemented_method(client) {
    await fails("UNIMPLEMENTED", client.call(testService.UnimplementedCall, {}));
  },

  async unimplemented_service(client) {
    await fails("UNIMPLEMENTED", client.call(unimplementedService.UnimplementedCall, {}));
  },

  async pick_first_unary(client) {
    const servers = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { serverId } = await client.call(testService.UnaryCall, { fillServerId: true });
      assert.ok(serverId, "a server says its name");
      servers.add(serverId);
    }
    assert.equal(servers.size, 1);
  },

  async rpc_soak(client) {
    for (let i = 0; i < 10; i++) await largeUnary(client);
  },

  async channel_soak(_, connect) {
    for (let i = 0; i < 10; i++) {
      const client = connect();
      try {
        await largeUnary(client);
      } finally {
        await client.close();
      }
    }
  },

  async orca_per_rpc(client) {
    const report = { cpuUtilization: 0.821, memoryUtilization: 0.5847, utilization: { util: 0.30499 } };
    let trailer: string | undefined;
    const middleware: ClientMiddleware = () => ({
      received: (headers) => {
        trailer = headers.get(loadHeader) ?? trailer;
      },
    });
    await client.call(testService.UnaryCall, { orcaPerQueryReport: report }, { middleware: [middleware] });
    assert.ok(trailer, `the trailer ${loadHeader}`);
    const load = loadService.StreamCoreMetrics.responseDeserialize(Buffer.from(decodeBinaryHeader(trailer)[0]!));
    assert.equal(load.cpuUtilization, 0.821);
    assert.equal(load.memUtilization, 0.5847);
    assert.deepEqual({ ...load.utilization }, { util: 0.30499 });
  },

  async orca_oob(client) {
    const request = { orcaOobReport: { cpuUtilization: 0.821 }, responseParameters: [{ size: 1 }] };
    await collect(client.stream(testService.FullDuplexCall, [request]));
    for await (const { cpuUtilization } of client.stream(loadService.StreamCoreMetrics, {}, { timeoutMs: 10_000 })) {
      if (cpuUtilization === 0.821) break;
    }
  },
};

const requestSizes = [27182, 8, 1828, 45904];
const responseSizes = [31415, 9, 2653, 58979];

async function largeUnary(client: FlightClient): Promise<void> {
  const request = { responseSize: 314159, payload: payload(271828) };
  const response = await client.call(testService.UnaryCall, request);
  assert.equal(response.payload?.body?.byteLength, 314159);
}

async function sizes(responses: AsyncIterable<{ payload?: { body?: Uint8Array } }>): Promise<number[]> {
  return (await collect(responses)).map((response) => response.payload?.body?.byteLength ?? 0);
}

/** One request, after which the stream stays open. */
async function* once(size: number, responseSize?: number): AsyncGenerator<OutputRequest> {
  yield {
    payload: payload(size),
    responseParameters: responseSize === undefined ? [] : [{ size: responseSize }],
  };
  await new Promise(() => {});
}

async function fails(code: FlightErrorCode, call: Promise<unknown>, message?: string): Promise<void> {
  const expected = message === undefined ? { code } : { code, message };
  await assert.rejects(call, expected);
}

/** Metadata that a server has to send back, the first at the beginning and the second at the end. */
function echo() {
  const [initial, trailing] = ["x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"];
  const bytes = Buffer.of(10, 11, 10, 11, 10, 11);
  const seen: Record<string, string | undefined> = {};
  const middleware: ClientMiddleware = () => ({
    received(headers, part) {
      seen[`${part} ${initial}`] = headers.get(initial);
      const value = headers.get(trailing);
      seen[`${part} ${trailing}`] = value && Buffer.from(decodeBinaryHeader(value)[0]!).toString("hex");
    },
  });
  const headers = { [initial]: "test_initial_metadata_value", [trailing]: encodeBinaryHeader(bytes) };
  return {
    options: { headers, middleware: [middleware] },
    check: () =>
      assert.deepEqual(seen, {
        [`headers ${initial}`]: "test_initial_metadata_value",
        [`headers ${trailing}`]: undefined,
        [`trailers ${initial}`]: undefined,
        [`trailers ${trailing}`]: bytes.toString("hex"),
      }),
  };
}

/** Lets one side wait for the other, turn by turn. */
function turns() {
  const waiting: (() => void)[] = [];
  let passed = 0;
  return {
    pass() {
      const next = waiting.shift();
      if (next === undefined) passed++;
      else next();
    },
    async next() {
      if (passed > 0) passed--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
