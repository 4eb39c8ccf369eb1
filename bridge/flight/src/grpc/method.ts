import { FlightError } from "../error.js";
import type { Responses, Streamable } from "../messages.js";
import { frame } from "../protocol/grpc-frame.js";
import type { Codec, Rpc } from "../rpc.js";

/**
 * One method of a gRPC service, in the shape that @grpc/grpc-js calls a MethodDefinition and that generators for it emit (ts-proto,
 * grpc_tools_node_protoc, @grpc/proto-loader). It is taken by its shape: nothing of grpc-js is needed. With protobuf-es it is written by
 * hand, as `requestSerialize: (request: Ask) => toBinary(AskSchema, request)` and so on.
 *
 * What serializes returns the message alone, without a frame; it is copied once. What deserializes gets bytes that it may keep.
 */
export interface GrpcMethod {
  /** "/package.Service/Method". */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  requestSerialize(request: never): Uint8Array;
  requestDeserialize(bytes: Buffer): unknown;
  responseSerialize(response: never): Uint8Array;
  responseDeserialize(bytes: Buffer): unknown;
}

/** The methods of a gRPC service by the names that their handlers have. */
export type GrpcServiceDefinition = Readonly<Record<string, GrpcMethod>>;

/** What a client sends to a method: one request, or a stream of them where it takes a stream. */
export type GrpcRequest<Method extends GrpcMethod> = Shape<
  Method["requestStream"],
  Parameters<Method["requestSerialize"]>[0],
  Streamable<Parameters<Method["requestSerialize"]>[0]>
>;

/** One response of a method, as a client gets it. */
export type GrpcResponse<Method extends GrpcMethod> = ReturnType<Method["responseDeserialize"]>;

/** What a handler of a method gets: the one request, or the stream of them. Never, to be typed by hand, where the definition does not say which. */
export type GrpcReceived<Method extends GrpcMethod> = boolean extends Method["requestStream"]
  ? never
  : Shape<
      Method["requestStream"],
      ReturnType<Method["requestDeserialize"]>,
      AsyncIterable<ReturnType<Method["requestDeserialize"]>>
    >;

/** What a handler of a method gives: the one response, or a stream of them; each may be promised. */
export type GrpcGiven<Method extends GrpcMethod> = Shape<
  Method["responseStream"],
  Parameters<Method["responseSerialize"]>[0] | Promise<Parameters<Method["responseSerialize"]>[0]>,
  Responses<Parameters<Method["responseSerialize"]>[0]>
>;

/** Nothing for a method that is known to give a stream: `call` does not take it. */
export type OneResponse<Method extends GrpcMethod> = Method["responseStream"] extends true ? never : unknown;

/** Nothing for a method that is known to give one response: `stream` does not take it. */
export type ManyResponses<Method extends GrpcMethod> = Method["responseStream"] extends false ? never : unknown;

type Shape<Stream extends boolean, One, Many> = Stream extends true ? Many : One;

/** `method` as this package's own: its messages in frames. Bytes that it cannot read become INTERNAL, as gRPC has it. */
export function rpcOf(method: GrpcMethod): Rpc<unknown, unknown, boolean, boolean> {
  const { path, requestStream, responseStream } = method;
  return {
    path,
    requestStream,
    responseStream,
    request: codecOf(
      (message) => method.requestSerialize(message),
      (bytes) => method.requestDeserialize(bytes),
      `a request of ${path}`,
    ),
    response: codecOf(
      (message) => method.responseSerialize(message),
      (bytes) => method.responseDeserialize(bytes),
      `a response of ${path}`,
    ),
  };
}

/** The requests to be sent as a stream, for a method that takes one, too. */
export function requestsOf(method: GrpcMethod, request: unknown): Streamable<unknown> {
  return method.requestStream ? (request as Streamable<unknown>) : [request];
}

/** Throws INVALID_ARGUMENT for a method that is called as what it is not. */
export function checkResponses({ path, responseStream }: GrpcMethod, asStream: boolean): void {
  if (responseStream === asStream) return;
  throw new FlightError(
    "INVALID_ARGUMENT",
    asStream ? `${path} gives one response, not a stream.` : `${path} gives a stream, not one response.`,
    { hint: asStream ? "Use call." : "Use stream." },
  );
}

function codecOf(
  serialize: (message: never) => Uint8Array,
  deserialize: (bytes: Buffer) => unknown,
  what: string,
): Codec<unknown> {
  return {
    encode(message) {
      try {
        return frame(serialize(message as never));
      } catch (cause) {
        throw unfit(`The program's value cannot be written as ${what}`, "Check its type.", cause);
      }
    },
    decode(bytes) {
      try {
        return deserialize(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      } catch (cause) {
        throw unfit(`The peer's bytes cannot be read as ${what}`, "Check that both sides have one definition.", cause);
      }
    },
  };
}

function unfit(what: string, hint: string, cause: unknown): FlightError {
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new FlightError("INTERNAL", `${what}${why}.`, { hint, cause });
}
