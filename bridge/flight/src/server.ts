import { requireBearer } from "./bearer.js";
import { FlightError } from "./error.js";
import type { FlightHandlers } from "./handlers.js";
import type { ServerMiddleware } from "./middleware.js";
import { type Address, formatLocation, isLoopback } from "./protocol/location.js";
import { methodPath } from "./protocol/service.js";
import { createRoutes } from "./routes.js";
import type { ServerTls } from "./tls.js";
import { type GrpcHandler, GrpcServer } from "./transport/http2-server.js";
import type { GrpcServerCall } from "./transport/server-call.js";
import { defaultTransport } from "./transport/settings.js";

export interface FlightServerOptions {
  /** Run in this order before every call, also before one that will be refused. */
  middleware?: readonly ServerMiddleware[] | undefined;
  /** The address to listen on. Anything but a loopback address needs a token, `tls.clientCa` or an `authenticate` handler. Default "127.0.0.1". */
  host?: string | undefined;
  /** 0 lets the system choose. Default 0. */
  port?: number | undefined;
  /** A Unix socket to listen on, in place of host and port. */
  path?: string | undefined;
  /** Speaks TLS, and nothing else. */
  tls?: ServerTls | undefined;
  /** When given, a call without `authorization: Bearer <token>` is refused before any handler runs. */
  token?: string | undefined;
  /** The longest message that is accepted, in bytes. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
  /** How many bytes a peer may send on one stream before they are read: the bound on a slow reader's memory. Default 64 MiB. */
  streamWindow?: number | undefined;
  /** How many calls one connection may have open. Default 1024. */
  maxConcurrentCalls?: number | undefined;
}

const handshake = methodPath("Handshake");

/** A Flight server on node:http2. `Identity`, which is inferred, is what its `authenticate` tells of a caller. */
export class FlightServer<Identity = unknown> {
  readonly #address: Address;
  readonly #handlers: FlightHandlers<Identity>;
  readonly #middleware: readonly ServerMiddleware[];
  readonly #routes: ReadonlyMap<string, GrpcHandler>;
  readonly #checkToken: ((headers: ReadonlyMap<string, string>) => void) | undefined;
  readonly #server: GrpcServer;

  /** Throws INVALID_ARGUMENT when others than this machine could reach it and nothing would ask who they are. */
  constructor(handlers: FlightHandlers<Identity>, options: FlightServerOptions = {}) {
    const { host = "127.0.0.1", port = 0, path, tls, token } = options;
    const local = path !== undefined || isLoopback(host);
    const asked = token !== undefined || tls?.clientCa !== undefined || handlers.authenticate !== undefined;
    if (token === "" || !(asked || local)) {
      throw new FlightError("INVALID_ARGUMENT", `Listening on ${host} would let anyone in: there is no token.`, {
        hint: "Give a token that is not empty, tls.clientCa, or an authenticate handler, or listen on 127.0.0.1.",
      });
    }
    this.#address = { host, port, path, tls: tls !== undefined };
    this.#handlers = handlers;
    this.#middleware = options.middleware ?? [];
    this.#routes = createRoutes(handlers);
    this.#checkToken = token === undefined ? undefined : requireBearer(token);
    this.#server = new GrpcServer((path, call) => this.#admit(path, call), {
      maxMessageBytes: options.maxMessageBytes ?? defaultTransport.maxMessageBytes,
      streamWindow: options.streamWindow ?? defaultTransport.streamWindow,
      tls,
      maxConcurrentCalls: options.maxConcurrentCalls ?? 1024,
    });
  }

  /** Starts to listen; rejects UNAVAILABLE when the address cannot be had. */
  async listen(): Promise<{ port: number; uri: string }> {
    const port = await this.#server.listen(this.#address);
    return { port, uri: formatLocation({ ...this.#address, port }) };
  }

  /** Refuses new calls, lets those in flight finish for `graceMs` (default 10 s), then ends them UNAVAILABLE. */
  async close({ graceMs = 10_000 }: { graceMs?: number | undefined } = {}): Promise<void> {
    await this.#server.close(graceMs);
  }

  /** `await using server = …` closes it, with the default grace, at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #admit(path: string, call: GrpcServerCall): Promise<GrpcHandler> {
    for (const middleware of this.#middleware) {
      const ended = middleware(call);
      if (ended !== undefined) call.observe(ended);
    }
    this.#checkToken?.(call.headers);
    // A handshake is how a peer comes to what it authenticates with.
    if (path !== handshake) call.identity = await this.#handlers.authenticate?.(call);
    const handler = this.#routes.get(path);
    if (handler !== undefined) return handler;
    throw new FlightError("UNIMPLEMENTED", `This server does not answer ${path}.`, {
      hint: "Ask it for something else, or give it a handler for that.",
    });
  }
}
