import { FlightError } from "./error.js";
import { Incoming } from "./incoming.js";
import type { Responses, Streamable } from "./messages.js";
import type { Frame } from "./protocol/grpc-frame.js";
import type { GrpcHandler } from "./transport/http2-server.js";
import type { GrpcServerCall } from "./transport/server-call.js";

/** How messages of one kind are written and read. */
export interface Codec<Sent, Received = Sent> {
  encode(message: Sent): Frame;
  decode(bytes: Uint8Array): Received;
}

/** One RPC: where it is called, which sides send streams, and how its messages are written and read. */
export interface Rpc<Request, Response, RequestStream extends boolean, ResponseStream extends boolean> {
  readonly path: string;
  readonly requestStream: RequestStream;
  readonly responseStream: ResponseStream;
  readonly request: Codec<never, Request>;
  readonly response: Codec<Response, unknown>;
}

/** What a client knows of an RPC. */
export interface CalledRpc<Request, Response> {
  readonly path: string;
  readonly request: Pick<Codec<Request, unknown>, "encode">;
  readonly response: Pick<Codec<never, Response>, "decode">;
}

/** What a handler gets: the one request, or the stream of them. */
export type ReceivedRequest<Request, RequestStream extends boolean> = RequestStream extends true
  ? Incoming<Request>
  : Request;

/** What a handler gives: the one response, or a stream of them; each may be promised. A promise of nothing is a stream of none. */
export type GivenResponse<Response, ResponseStream extends boolean> = ResponseStream extends true
  ? Responses<Response> | Promise<void>
  : Response | Promise<Response>;

/** The transport's handler for `rpc`, which `handler` answers. */
export function answer<Request, Response, RequestStream extends boolean, ResponseStream extends boolean>(
  rpc: Rpc<Request, Response, RequestStream, ResponseStream>,
  handler: (
    request: ReceivedRequest<Request, RequestStream>,
    call: GrpcServerCall,
  ) => GivenResponse<NoInfer<Response>, ResponseStream>,
): GrpcHandler {
  const { request, response } = rpc;
  return async (call) => {
    const received = rpc.requestStream
      ? new Incoming(call.messages, request.decode)
      : request.decode(await onlyMessage(call));
    const given = handler(received as ReceivedRequest<Request, RequestStream>, call);
    if (!rpc.responseStream) {
      const only = (await given) as Response;
      if (!call.ended) await call.send(response.encode(only));
      return;
    }
    const stream = (await given) as Streamable<Response> | undefined;
    if (stream === undefined && given instanceof Promise) return;
    for await (const message of stream as Streamable<Response>) {
      if (call.ended) break;
      const full = call.send(response.encode(message));
      if (full !== undefined) await full;
    }
  };
}

/** The request of an RPC that has one. Its stream has ended: what runs now will not be asked for more. */
async function onlyMessage(call: GrpcServerCall): Promise<Uint8Array> {
  const first = await call.messages.next();
  if (first.done) throw miscounted(call, "without its request");
  const second = await call.messages.next();
  if (!second.done) throw miscounted(call, "with more than one request");
  return first.value;
}

function miscounted(call: GrpcServerCall, how: string): FlightError {
  return new FlightError("INTERNAL", `${call.method} was called ${how}.`, { hint: "Send exactly one." });
}
