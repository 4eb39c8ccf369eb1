import { FlightError } from "./error.js";
import type { FlightHandlers } from "./handlers.js";
import { IncomingFlightData } from "./incoming.js";
import type { Streamable } from "./messages.js";
import { decodeAction, encodeActionType } from "./protocol/action.js";
import { decodeDescriptor } from "./protocol/descriptor.js";
import { encodeFlightData } from "./protocol/flight-data.js";
import { encodeInfo } from "./protocol/flight-info.js";
import { type Frame, frame } from "./protocol/grpc-frame.js";
import { decodeHandshake, encodeHandshake } from "./protocol/handshake.js";
import { encodePollInfo } from "./protocol/poll-info.js";
import { type FlightMethod, methodPath } from "./protocol/service.js";
import { unwrapBytes, wrapBytes } from "./protocol/wrapped-bytes.js";
import { withStandardActions } from "./standard-actions.js";
import type { GrpcHandler } from "./transport/http2-server.js";
import type { GrpcServerCall } from "./transport/server-call.js";

/** What answers each gRPC path, for the handlers that are there. One RPC, one entry. */
export function createRoutes(handlers: FlightHandlers): Map<string, GrpcHandler> {
  const routes = new Map<string, GrpcHandler>();
  const add = (method: FlightMethod, offered: unknown, handler: GrpcHandler) => {
    if (offered !== undefined) routes.set(methodPath(method), handler);
  };

  add("Handshake", handlers.handshake, (call) =>
    each(handlers.handshake!(decoded(call.messages, decodeHandshake), call), (payload) =>
      frame(encodeHandshake(payload)),
    ),
  );
  add("ListFlights", handlers.listFlights, async function* (call) {
    const criteria = unwrapBytes(await onlyMessage(call));
    yield* each(handlers.listFlights!(criteria, call), (info) => frame(encodeInfo(info)));
  });
  add("GetFlightInfo", handlers.getFlightInfo, async function* (call) {
    const descriptor = decodeDescriptor(await onlyMessage(call));
    yield frame(encodeInfo(await handlers.getFlightInfo!(descriptor, call)));
  });
  add("PollFlightInfo", handlers.pollFlightInfo, async function* (call) {
    const descriptor = decodeDescriptor(await onlyMessage(call));
    yield frame(encodePollInfo(await handlers.pollFlightInfo!(descriptor, call)));
  });
  add("GetSchema", handlers.getSchema, async function* (call) {
    const descriptor = decodeDescriptor(await onlyMessage(call));
    yield frame(wrapBytes(await handlers.getSchema!(descriptor, call)));
  });
  add("DoGet", handlers.doGet, async function* (call) {
    const ticket = unwrapBytes(await onlyMessage(call));
    yield* each(handlers.doGet!(ticket, call), encodeFlightData);
  });
  add("DoPut", handlers.doPut, (call) =>
    each(handlers.doPut!(new IncomingFlightData(call.messages), call), (metadata) => frame(wrapBytes(metadata))),
  );
  add("DoExchange", handlers.doExchange, (call) =>
    each(handlers.doExchange!(new IncomingFlightData(call.messages), call), encodeFlightData),
  );
  const actions = withStandardActions(handlers);
  add("DoAction", actions.doAction, async function* (call) {
    const action = decodeAction(await onlyMessage(call));
    yield* each(actions.doAction!(action, call), (result) => frame(wrapBytes(result)));
  });
  add("ListActions", actions.listActions, async function* (call) {
    await onlyMessage(call);
    yield* each(actions.listActions!(call), (type) => frame(encodeActionType(type)));
  });
  return routes;
}

async function* each<T>(items: Streamable<T> | Promise<void>, encode: (item: T) => Frame): AsyncGenerator<Frame> {
  if (items instanceof Promise) return await items;
  for await (const item of items) yield encode(item);
}

async function* decoded<T>(messages: AsyncIterable<Uint8Array>, decode: (message: Uint8Array) => T): AsyncGenerator<T> {
  for await (const message of messages) yield decode(message);
}

/** The request of an RPC that has one. */
async function onlyMessage(call: GrpcServerCall): Promise<Uint8Array> {
  const { done, value } = await call.messages.next();
  if (!done) return value;
  throw new FlightError("INVALID_ARGUMENT", `${call.method} was called without its request.`, { hint: "Send one." });
}
