import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { loadSync } from "@grpc/proto-loader";
import { FlightError, flightErrorCodes, type ServerCall } from "arrow-flight-node";
import { encodeBinaryHeader, type GrpcService, implementService } from "arrow-flight-node/grpc";

/** A method as proto-loader gives it, with the types that its proto file states. */
interface Method<Request, Response, RequestStream extends boolean, ResponseStream extends boolean> {
  path: string;
  requestStream: RequestStream;
  responseStream: ResponseStream;
  requestSerialize(request: Request): Buffer;
  requestDeserialize(bytes: Buffer): Request;
  responseSerialize(response: Response): Buffer;
  responseDeserialize(bytes: Buffer): Response;
}

type Empty = Record<string, never>;

interface Payload {
  body?: Uint8Array;
}

interface EchoStatus {
  code?: number;
  message?: string;
}

export interface LoadReport {
  cpuUtilization?: number;
  memUtilization?: number;
  requestCost?: Record<string, number>;
  utilization?: Record<string, number>;
}

interface TestOrcaReport extends Omit<LoadReport, "memUtilization"> {
  memoryUtilization?: number;
}

export interface SimpleRequest {
  responseSize?: number;
  payload?: Payload;
  responseStatus?: EchoStatus;
  fillServerId?: boolean;
  orcaPerQueryReport?: TestOrcaReport;
}

interface SimpleResponse {
  payload?: Payload;
  serverId?: string;
}

interface InputRequest {
  payload?: Payload;
}

interface InputResponse {
  aggregatedPayloadSize?: number;
}

export interface OutputRequest {
  responseParameters?: { size?: number; intervalUs?: number }[];
  payload?: Payload;
  responseStatus?: EchoStatus;
  orcaOobReport?: TestOrcaReport;
}

interface OutputResponse {
  payload?: Payload;
}

interface Interop {
  "grpc.testing.TestService": {
    EmptyCall: Method<Empty, Empty, false, false>;
    UnaryCall: Method<SimpleRequest, SimpleResponse, false, false>;
    StreamingOutputCall: Method<OutputRequest, OutputResponse, false, true>;
    StreamingInputCall: Method<InputRequest, InputResponse, true, false>;
    FullDuplexCall: Method<OutputRequest, OutputResponse, true, true>;
    HalfDuplexCall: Method<OutputRequest, OutputResponse, true, true>;
    UnimplementedCall: Method<Empty, Empty, false, false>;
  };
  "grpc.testing.UnimplementedService": { UnimplementedCall: Method<Empty, Empty, false, false> };
  "xds.service.orca.v3.OpenRcaService": { StreamCoreMetrics: Method<Empty, LoadReport, false, true> };
}

const definitions = loadSync(["test/fixtures/grpc/interop.proto", "test/fixtures/grpc/orca.proto"], {
  // Messages that are not there stay undefined; numbers and bytes that are not are 0 and empty.
  defaults: false,
}) as unknown as Interop;

export const testService = definitions["grpc.testing.TestService"];
export const unimplementedService = definitions["grpc.testing.UnimplementedService"];
export const loadService = definitions["xds.service.orca.v3.OpenRcaService"];

/** The header in which a server tells its load to the caller. */
export const loadHeader = "endpoint-load-metrics-bin";

/** gRPC's interop server: TestService, and the reports of its load. */
export function interopServices(): GrpcService[] {
  const serverId = randomUUID();
  let load: LoadReport = {};
  const test = implementService(testService, {
    EmptyCall: () => ({}),
    UnaryCall(request, call) {
      echoMetadata(call);
      checkStatus(request.responseStatus);
      if (request.orcaPerQueryReport !== undefined) {
        const report = loadService.StreamCoreMetrics.responseSerialize(loadOf(request.orcaPerQueryReport));
        call.setTrailer(loadHeader, encodeBinaryHeader(report));
      }
      return { payload: payload(request.responseSize ?? 0), serverId: request.fillServerId ? serverId : "" };
    },
    StreamingOutputCall: outputs,
    async StreamingInputCall(requests) {
      let size = 0;
      for await (const request of requests) size += request.payload?.body?.byteLength ?? 0;
      return { aggregatedPayloadSize: size };
    },
    async *FullDuplexCall(requests, call) {
      echoMetadata(call);
      for await (const request of requests) {
        checkStatus(request.responseStatus);
        if (request.orcaOobReport !== undefined) load = loadOf(request.orcaOobReport);
        yield* outputs(request);
      }
    },
    async *HalfDuplexCall(requests) {
      const all: OutputRequest[] = [];
      for await (const request of requests) all.push(request);
      for (const request of all) yield* outputs(request);
    },
  });
  const reports = implementService(loadService, {
    async *StreamCoreMetrics(_, { signal }) {
      for (;;) {
        yield load;
        await pause(1000, undefined, { signal });
      }
    },
  });
  return [test, reports];
}

async function* outputs(request: OutputRequest): AsyncGenerator<OutputResponse> {
  for (const { size = 0, intervalUs = 0 } of request.responseParameters ?? []) {
    if (intervalUs > 0) await pause(intervalUs / 1000);
    yield { payload: payload(size) };
  }
}

export function payload(size: number): Payload {
  return { body: new Uint8Array(size) };
}

/** Sends back what came: one header at the beginning, one at the end. */
function echoMetadata(call: ServerCall): void {
  const initial = call.headers.get("x-grpc-test-echo-initial");
  if (initial !== undefined) call.setHeader("x-grpc-test-echo-initial", initial);
  const trailing = call.headers.get("x-grpc-test-echo-trailing-bin");
  if (trailing !== undefined) call.setTrailer("x-grpc-test-echo-trailing-bin", trailing);
}

function checkStatus({ code = 0, message = "" }: EchoStatus = {}): void {
  if (code !== 0) throw new FlightError(flightErrorCodes[code - 1] ?? "UNKNOWN", message);
}

function loadOf({ memoryUtilization, ...report }: TestOrcaReport): LoadReport {
  return { ...report, ...(memoryUtilization === undefined ? {} : { memUtilization: memoryUtilization }) };
}
