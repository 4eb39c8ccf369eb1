import type { FlightHandlers } from "./handlers.js";
import type { FlightDescriptor, FlightInfoOut } from "./messages.js";
import { answer, type GivenResponse, type ReceivedRequest, type Rpc } from "./rpc.js";
import { rpcs } from "./rpcs.js";
import { withStandardActions } from "./standard-actions.js";
import type { GrpcHandler } from "./transport/http2-server.js";
import type { GrpcServerCall } from "./transport/server-call.js";

/** What answers each gRPC path, for the handlers that are there. */
export function createRoutes(handlers: FlightHandlers): Map<string, GrpcHandler> {
  const routes = new Map<string, GrpcHandler>();
  function add<Request, Response, RequestStream extends boolean, ResponseStream extends boolean>(
    rpc: Rpc<Request, Response, RequestStream, ResponseStream>,
    offered: unknown,
    handler: (
      request: ReceivedRequest<Request, RequestStream>,
      call: GrpcServerCall,
    ) => GivenResponse<NoInfer<Response>, ResponseStream>,
  ) {
    if (offered !== undefined) routes.set(rpc.path, answer(rpc, handler));
  }

  const own = handlers;
  add(rpcs.handshake, own.handshake, (payloads, call) => own.handshake!(payloads, call));
  add(rpcs.listFlights, own.listFlights, (criteria, call) => own.listFlights!(criteria, call));
  add(rpcs.getFlightInfo, own.getFlightInfo, async (descriptor, call) =>
    named(await own.getFlightInfo!(descriptor, call), descriptor),
  );
  add(rpcs.pollFlightInfo, own.pollFlightInfo, async (descriptor, call) => {
    const poll = await own.pollFlightInfo!(descriptor, call);
    return poll.info === undefined ? poll : { ...poll, info: named(poll.info, descriptor) };
  });
  add(rpcs.getSchema, own.getSchema, (descriptor, call) => own.getSchema!(descriptor, call));
  add(rpcs.doGet, own.doGet, (ticket, call) => own.doGet!(ticket, call));
  add(rpcs.doPut, own.doPut, (messages, call) => own.doPut!(messages, call));
  add(rpcs.doExchange, own.doExchange, (messages, call) => own.doExchange!(messages, call));
  const actions = withStandardActions(handlers);
  add(rpcs.doAction, actions.doAction, (action, call) => actions.doAction!(action, call));
  add(rpcs.listActions, actions.listActions, (_, call) => actions.listActions!(call));
  return routes;
}

/** C++'s client takes no FlightInfo without a descriptor. */
function named(info: FlightInfoOut, asked: FlightDescriptor): FlightInfoOut {
  return info.descriptor === undefined ? { ...info, descriptor: asked } : info;
}
