import type { ServerCall } from "../handlers.js";
import { answer } from "../rpc.js";
import type { GrpcHandler } from "../transport/http2-server.js";
import { type GrpcGiven, type GrpcReceived, type GrpcServiceDefinition, rpcOf } from "./method.js";

/** What answers the methods of a service. One that is left out answers UNIMPLEMENTED; a thrown FlightError becomes the call's status. */
export type GrpcHandlers<Definition extends GrpcServiceDefinition> = {
  readonly [Name in keyof Definition]?: (
    request: GrpcReceived<Definition[Name]>,
    call: ServerCall,
  ) => GrpcGiven<Definition[Name]>;
};

/** A service with its handlers, to be given to a server. */
export interface GrpcService {
  /** By gRPC path. */
  readonly routes: ReadonlyMap<string, GrpcHandler>;
}

/**
 * Joins the definition of a gRPC service with what answers it: `new FlightServer(handlers, { services: [implementService(…)] })`. The
 * server's token, `authenticate`, middleware and limits hold for it, too. The handlers are called as methods of `handlers`.
 */
export function implementService<Definition extends GrpcServiceDefinition>(
  definition: Definition,
  handlers: GrpcHandlers<Definition>,
): GrpcService {
  const routes = new Map<string, GrpcHandler>();
  for (const [name, method] of Object.entries(definition)) {
    if (handlers[name] === undefined) continue;
    routes.set(
      method.path,
      answer(rpcOf(method), (request, call) => handlers[name]!(request as never, call)),
    );
  }
  return { routes };
}
