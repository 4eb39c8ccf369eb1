import {
  Client,
  credentials,
  type Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import type { ExecutionContext } from "ava";
import { type OutputRequest, payload, type SimpleRequest, testService } from "./interop-service.js";

/** gRPC's interop server as @grpc/grpc-js has it run, on a port of its own. */
export async function startGrpcJs(t: ExecutionContext): Promise<string> {
  const server = new Server();
  server.addService(testService as unknown as ServiceDefinition, {
    EmptyCall: (_: unknown, done: sendUnaryData<object>) => done(null, {}),
    UnaryCall(call: ServerUnaryCall<SimpleRequest, object>, done: sendUnaryData<object>) {
      const trailer = echo(call);
      const { code = 0, message = "" } = call.request.responseStatus ?? {};
      if (code !== 0) done({ code, details: message });
      else {
        const response = { payload: payload(call.request.responseSize ?? 0), serverId: "one" };
        done(null, response, trailer);
      }
    },
    StreamingOutputCall(call: ServerWritableStream<OutputRequest, object>) {
      for (const { size } of call.request.responseParameters ?? []) call.write({ payload: payload(size ?? 0) });
      call.end();
    },
    StreamingInputCall(
      call: ServerReadableStream<{ payload?: { body?: Uint8Array } }, object>,
      done: sendUnaryData<object>,
    ) {
      let size = 0;
      call.on("data", (request) => {
        size += request.payload?.body?.byteLength ?? 0;
      });
      call.on("end", () => done(null, { aggregatedPayloadSize: size }));
    },
    FullDuplexCall(call: ServerDuplexStream<OutputRequest, object>) {
      const trailer = echo(call);
      call.on("data", (request: OutputRequest) => {
        const { code = 0, message = "" } = request.responseStatus ?? {};
        if (code !== 0) call.emit("error", { code, details: message });
        for (const { size } of request.responseParameters ?? []) call.write({ payload: payload(size ?? 0) });
      });
      call.on("end", () => call.end(trailer));
      call.on("error", () => {});
    },
    HalfDuplexCall: () => {},
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  t.teardown(() => server.forceShutdown());
  return `grpc://127.0.0.1:${port}`;
}

/** A client of @grpc/grpc-js. */
export function connectGrpcJs(t: ExecutionContext, uri: string): Client {
  const client = new Client(uri.replace("grpc://", ""), credentials.createInsecure());
  t.teardown(() => client.close());
  return client;
}

function echo(call: { metadata: Metadata; sendMetadata(metadata: Metadata): void }): Metadata {
  const [initial, trailing] = [call.metadata.clone(), call.metadata.clone()];
  initial.remove("x-grpc-test-echo-trailing-bin");
  trailing.remove("x-grpc-test-echo-initial");
  for (const metadata of [initial, trailing]) metadata.remove("user-agent");
  call.sendMetadata(initial);
  return trailing;
}
