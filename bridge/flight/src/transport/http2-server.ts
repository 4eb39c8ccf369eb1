import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { FlightError } from "../error.js";
import { type Incident, IncidentReport } from "../incidents.js";
import type { Address } from "../protocol/location.js";
import { isGrpc } from "../protocol/status.js";
import type { ServerTls } from "../tls.js";
import { keepFreedMemory } from "./keep-freed-memory.js";
import { peerName } from "./peer-name.js";
import { Penalties } from "./penalties.js";
import { GrpcServerCall } from "./server-call.js";
import { ServerConnection, type ServerConnectionOptions } from "./server-connection.js";
import { http2Settings, strangersCalls, strangersWindow } from "./settings.js";

/** Answers one RPC: reads the call's messages and sends its responses. What it throws becomes the call's status. */
export type GrpcHandler = (call: GrpcServerCall) => Promise<void>;

export interface GrpcServerOptions extends ServerConnectionOptions {
  maxConnections: number;
  maxBufferedBytes: number;
  floodPenaltyMs: number;
  onIncident: (incident: Incident) => void;
  tls?: ServerTls | undefined;
}

/** How often each connection is looked at. */
const lookMs = 250;

/** What nghttp2 and node:http2 call floods: answers that a peer does not read, headers without end, frames without sense. */
const floodErrors = new Set<unknown>([-904, -905, "ERR_HTTP2_TOO_MANY_INVALID_FRAMES"]);

/** How long calls that were cut at the end of the grace may take to send their status. */
const lastWordsMs = 250;

/**
 * A gRPC server on node:http2, for any service: `route` gives the handler of a path, undefined where there is none, and may throw
 * to refuse a call before any of its messages is read.
 */
export class GrpcServer {
  readonly #route: (path: string, call: GrpcServerCall) => Promise<GrpcHandler> | GrpcHandler;
  readonly #options: GrpcServerOptions;
  readonly #server: Http2Server | Http2SecureServer;
  /** Those that have not spoken HTTP/2 yet, too. */
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Map<ServerHttp2Session, ServerConnection>();
  readonly #incidents: IncidentReport;
  readonly #penalties: Penalties;
  readonly #calls = new Set<GrpcServerCall>();
  #watch: NodeJS.Timeout | undefined;
  #buffered = 0;
  #closing = false;

  constructor(
    route: (path: string, call: GrpcServerCall) => Promise<GrpcHandler> | GrpcHandler,
    options: GrpcServerOptions,
  ) {
    this.#route = route;
    this.#options = options;
    this.#incidents = new IncidentReport(options.onIncident);
    this.#penalties = new Penalties(options.floodPenaltyMs);
    const { settings, maxSessionMemory } = http2Settings(options);
    const http2 = {
      settings: {
        ...settings,
        initialWindowSize: Math.min(strangersWindow, options.streamWindow),
        maxConcurrentStreams: Math.min(strangersCalls, options.maxConcurrentCalls),
        maxHeaderListSize: options.maxHeaderBytes,
      },
      maxSessionMemory,
    };
    this.#server =
      options.tls === undefined
        ? createServer(http2)
        : createSecureServer({ ...http2, ...secure(options.tls), handshakeTimeout: options.handshakeTimeoutMs });
    this.#server.maxConnections = options.maxConnections;
    this.#watchConnections();
    // node:http2 hides the socket of a session, but makes the session while it announces the socket.
    let announced: Socket;
    this.#server.prependListener(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      announced = socket;
    });
    this.#server.on("session", (session) => this.#greet(session, announced));
    this.#server.on("stream", (stream, headers) => this.#accept(stream, headers));
  }

  listen({ host, port, path }: Address): Promise<number> {
    keepFreedMemory();
    return new Promise((resolve, reject) => {
      const refuse = (cause: Error) => {
        const hint =
          path === undefined
            ? "Choose another port, 0 for any, or stop what listens there."
            : "Choose another path, or remove the file if nothing listens there.";
        reject(
          new FlightError("UNAVAILABLE", `Cannot listen on ${path ?? `${host}:${port}`}: ${cause.message}.`, {
            hint,
            cause,
          }),
        );
      };
      this.#server.once("error", refuse);
      this.#server.listen(path === undefined ? { port, host } : { path }, () => {
        this.#server.off("error", refuse);
        this.#watch = setInterval(() => this.#look(), lookMs).unref();
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no new calls, waits up to `graceMs` for those in flight, then ends them UNAVAILABLE. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    clearInterval(this.#watch);
    this.#incidents.flush();
    this.#server.close();
    const ended = Promise.all([...this.#connections.values()].map((connection) => connection.ended));
    for (const connection of this.#connections.values()) connection.leave();
    if (!(await within(ended, graceMs))) {
      const error = new FlightError("UNAVAILABLE", "The server is closing.", { hint: "Try again when it is back." });
      for (const call of this.#calls) call.end(error);
      if (!(await within(ended, lastWordsMs))) for (const connection of this.#connections.values()) connection.kill();
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Refuses connections before anything is spent on them, and tells of those that do not come to a session or break it. */
  #watchConnections(): void {
    const { maxConnections } = this.#options;
    const serve = this.#server.listeners("connection");
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => {
      if (this.#penalties.has(socket.remoteAddress)) {
        socket.destroy();
        return;
      }
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      for (const listener of serve) listener.call(this.#server, socket);
    });
    this.#server.on("drop", (socket) => {
      this.#incidents.add(
        "connections",
        peerName(socket ?? {}),
        `There are maxConnections (${maxConnections}) already.`,
      );
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException & { reason?: string }, socket: Socket) => {
      if (isLost(error)) return;
      this.#incidents.add("handshake", peerName(socket), `TLS was not agreed on: ${error.reason ?? error.message}.`);
    });
    // A session's error ends its calls, and each call reports to its handler.
    this.#server.on("sessionError", (error: NodeJS.ErrnoException, session: ServerHttp2Session) => {
      const connection = this.#connections.get(session);
      // One that its guard has ended was told of.
      if (connection === undefined || error instanceof FlightError || isLost(error)) return;
      const flood = floodErrors.has(error.errno) || floodErrors.has(error.code);
      if (flood) this.#penalties.add(connection.address);
      // grpc-go's client says goodbye, after its last call, in a way that HTTP/2 forbids.
      else if (!connection.harmed) return;
      this.#incidents.add(flood ? "flood" : "protocol", connection.peer, `${error.message}.`);
    });
  }

  #look(): void {
    const now = performance.now();
    for (const connection of this.#connections.values()) connection.guard.look(now);
  }

  #greet(session: ServerHttp2Session, socket: Socket): void {
    const connection = new ServerConnection(session, socket, this.#options, (cause, message) => {
      if (cause === "flood" || cause === "resets") this.#penalties.add(connection.address);
      this.#incidents.add(cause, connection.peer, message);
    });
    this.#connections.set(session, connection);
    void connection.ended.then(() => this.#connections.delete(session));
    // Its handshake began before the server was closed.
    if (this.#closing) connection.leave();
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const refusal = refuse(headers);
    if (refusal === undefined) {
      void this.#answer(stream, headers);
      return;
    }
    stream.on("error", () => {});
    stream.respond({ ":status": refusal, "content-type": "text/plain" });
    stream.end("This server speaks gRPC: it answers POST with content-type application/grpc.\n");
    stream.resume();
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const connection = stream.session && this.#connections.get(stream.session as ServerHttp2Session);
    // A stream of a connection that has just been lost.
    if (connection === undefined) return;
    connection.opened(stream);
    const call = new GrpcServerCall(stream, headers, {
      peer: connection.peer,
      certificate: connection.certificate,
      maxMessageBytes: this.#options.maxMessageBytes,
      received: (bytes) => this.#receive(connection, bytes),
      released: (bytes) => {
        this.#buffered -= bytes;
      },
      admitted: () => connection.admit(),
      leftOpen: () => connection.guard.ended(),
    });
    this.#calls.add(call);
    try {
      call.startDeadline();
      const handler = await this.#route(call.path, call);
      call.checkEncoding();
      if (!call.ended) await handler(call);
      call.end();
    } catch (reason) {
      call.end(FlightError.from(reason));
    } finally {
      this.#calls.delete(call);
    }
  }

  /** Counts bytes that came. Throws RESOURCE_EXHAUSTED when there is no room for them. */
  #receive(connection: ServerConnection, bytes: number): void {
    connection.guard.received(bytes);
    this.#buffered += bytes;
    const { maxBufferedBytes } = this.#options;
    if (this.#buffered <= maxBufferedBytes) return;
    this.#incidents.add(
      "memory",
      connection.peer,
      `What nobody had read was over maxBufferedBytes (${maxBufferedBytes}).`,
    );
    throw new FlightError("RESOURCE_EXHAUSTED", "The server has no room for more that nobody has read.", {
      hint: "Send it again later, or less at once.",
    });
  }
}

/** Whether the peer is merely gone. */
function isLost(error: NodeJS.ErrnoException): boolean {
  return error.syscall !== undefined || error.code === "ECONNRESET";
}

function secure({ cert, key, clientCa }: ServerTls) {
  return clientCa === undefined ? { cert, key } : { cert, key, ca: [clientCa].flat(), requestCert: true };
}

/** The HTTP status for a request that is none of gRPC's. */
function refuse(headers: IncomingHttpHeaders): number | undefined {
  if (headers[":method"] !== "POST") return 405;
  return isGrpc(headers["content-type"]) ? undefined : 415;
}

/** Whether `event` comes within the time. */
async function within(event: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([event.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
