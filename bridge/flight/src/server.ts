import { requireBearer } from "./bearer.js";
import { FlightError } from "./error.js";
import type { GrpcService } from "./grpc/service.js";
import type { FlightHandlers } from "./handlers.js";
import { type Incident, warnOf } from "./incidents.js";
import type { ServerMiddleware } from "./middleware.js";
import { type Address, formatLocation, isLoopback } from "./protocol/location.js";
import { flightService, methodPath } from "./protocol/service.js";
import { createRoutes } from "./routes.js";
import type { ServerTls } from "./tls.js";
import { type GrpcHandler, GrpcServer } from "./transport/http2-server.js";
import type { GrpcServerCall } from "./transport/server-call.js";
import { defaultKeepaliveTimeoutMs, defaultTransport } from "./transport/settings.js";

/** Where a server listens, whom it lets in, and what it takes. */
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
  /** How often a client is asked for a sign of life. Default 2 h, as with gRPC's servers. */
  keepaliveMs?: number | undefined;
  /** How long a client has for one; then its connection is ended. Default 20 s. */
  keepaliveTimeoutMs?: number | undefined;
  /** How long a connection may be without a call before it is told goodbye. Default: for ever. */
  maxIdleMs?: number | undefined;
  /** How long a connection may take to begin: its TLS handshake, then HTTP/2's first settings. Default 10 s. */
  handshakeTimeoutMs?: number | undefined;
  /** How long a connection may be open without a call that was admitted. Default 5 min. */
  firstCallTimeoutMs?: number | undefined;
  /** How many connections may be open; more are refused. Default 2048. */
  maxConnections?: number | undefined;
  /** The longest headers of one call, names and values, in bytes. A call with longer ones is refused. Default 16 KiB. */
  maxHeaderBytes?: number | undefined;
  /** How many bytes of messages that no handler has taken yet may be kept, for all calls together; a call that brings more ends RESOURCE_EXHAUSTED. Default 1 GiB. */
  maxBufferedBytes?: number | undefined;
  /**
   * How many bytes a second a connection may send that are neither a message nor a call's headers: pings, settings, window updates and
   * the like; four times as many at once, and an eighth of the bytes of its messages, either way, comes on top. One that sends more is ended. Default 256 KiB.
   */
  maxOverheadBytes?: number | undefined;
  /**
   * How many calls a connection may cancel at once before they are answered; 33 a second come back. One that cancels more is ended.
   * Default 900; node:http2 itself ends a connection after 1000, answered or not.
   */
  maxResets?: number | undefined;
  /** How long the address of a connection that was ended for a flood gets no new one. Default 10 s; 0: not at all. */
  floodPenaltyMs?: number | undefined;
  /** Told why peers were turned away, once a minute and cause at most. Default: a line on stderr, by console.warn. */
  onIncident?: ((incident: Incident) => void) | undefined;
  /** gRPC services beside Flight, made by `implementService` of `arrow-flight-node/grpc`. */
  services?: readonly GrpcService[] | undefined;
}

const handshake = methodPath("Handshake");
const flightPath = `/${flightService}/`;

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
    this.#routes = joinRoutes(createRoutes(handlers), options.services ?? []);
    this.#checkToken = token === undefined ? undefined : requireBearer(token);
    this.#server = new GrpcServer((path, call) => this.#admit(path, call), {
      maxMessageBytes: options.maxMessageBytes ?? defaultTransport.maxMessageBytes,
      streamWindow: options.streamWindow ?? defaultTransport.streamWindow,
      tls,
      maxConcurrentCalls: options.maxConcurrentCalls ?? 1024,
      keepaliveMs: options.keepaliveMs ?? 7_200_000,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? defaultKeepaliveTimeoutMs,
      maxIdleMs: options.maxIdleMs ?? Number.POSITIVE_INFINITY,
      handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
      firstCallTimeoutMs: options.firstCallTimeoutMs ?? 300_000,
      maxConnections: options.maxConnections ?? 2048,
      maxHeaderBytes: options.maxHeaderBytes ?? 16 << 10,
      maxBufferedBytes: options.maxBufferedBytes ?? 1 << 30,
      maxOverheadBytes: options.maxOverheadBytes ?? 256 << 10,
      maxResets: options.maxResets ?? 900,
      floodPenaltyMs: options.floodPenaltyMs ?? 10_000,
      onIncident: options.onIncident ?? warnOf,
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
      const started = middleware(call);
      const ended = started instanceof Promise ? await started : started;
      if (ended !== undefined) call.observe(ended);
    }
    this.#checkToken?.(call.headers);
    // A handshake is how a peer comes to what it authenticates with.
    if (path !== handshake) {
      call.identity = await this.#handlers.authenticate?.(call);
      call.admit();
    }
    const handler = this.#routes.get(path);
    if (handler !== undefined) return handler;
    throw unanswered(path, [...this.#routes.keys()]);
  }
}

/** Throws INVALID_ARGUMENT when two would answer one path. */
function joinRoutes(flight: Map<string, GrpcHandler>, services: readonly GrpcService[]): Map<string, GrpcHandler> {
  const all = new Map(flight);
  for (const [path, handler] of services.flatMap(({ routes }) => [...routes])) {
    if (all.has(path)) {
      throw new FlightError("INVALID_ARGUMENT", `${path} would be answered twice.`, {
        hint: "Give each service once.",
      });
    }
    all.set(path, handler);
  }
  return all;
}

function unanswered(path: string, answered: readonly string[]): FlightError {
  const service = path.slice(0, path.lastIndexOf("/") + 1);
  const known = service === flightPath || answered.some((other) => other.startsWith(service));
  if (known) {
    return new FlightError("UNIMPLEMENTED", `This server does not answer ${path}.`, {
      hint: "Ask it for something else, or give it a handler for that.",
    });
  }
  return new FlightError("UNIMPLEMENTED", `This server has no service ${service.replaceAll("/", "") || path}.`, {
    hint: "Ask another server, or give this one the service.",
  });
}
