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
import type { Address } from "../protocol/location.js";
import { isGrpc } from "../protocol/status.js";
import type { ServerTls } from "../tls.js";
import { keepFreedMemory } from "./keep-freed-memory.js";
import { GrpcServerCall } from "./server-call.js";
import { ServerConnection, type ServerConnectionOptions } from "./server-connection.js";
import { http2Settings } from "./settings.js";

/** Answers one RPC: reads the call's messages and sends its responses. What it throws becomes the call's status. */
export type GrpcHandler = (call: GrpcServerCall) => Promise<void>;

export interface GrpcServerOptions extends ServerConnectionOptions {
  maxConcurrentCalls: number;
  tls?: ServerTls | undefined;
}

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
  readonly #connections = new Set<ServerConnection>();
  readonly #calls = new Set<GrpcServerCall>();
  #closing = false;

  constructor(
    route: (path: string, call: GrpcServerCall) => Promise<GrpcHandler> | GrpcHandler,
    options: GrpcServerOptions,
  ) {
    this.#route = route;
    this.#options = options;
    const { settings, maxSessionMemory } = http2Settings(options);
    const http2 = {
      settings: { ...settings, maxConcurrentStreams: options.maxConcurrentCalls },
      maxSessionMemory,
    };
    this.#server =
      options.tls === undefined ? createServer(http2) : createSecureServer({ ...http2, ...secure(options.tls) });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // node:http2 hides the socket of a session, but makes the session while it announces the socket.
    let announced: Socket;
    this.#server.prependListener(options.tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
      announced = socket;
    });
    this.#server.on("session", (session) => this.#greet(session, announced));
    this.#server.on("stream", (stream, headers) => this.#accept(stream, headers));
    // A session's error ends its calls, and each call reports to its handler.
    this.#server.on("sessionError", () => {});
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
        const address = this.#server.address();
        resolve(typeof address === "object" && address !== null ? address.port : port);
      });
    });
  }

  /** Takes no new calls, waits up to `graceMs` for those in flight, then ends them UNAVAILABLE. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#server.close();
    const ended = Promise.all([...this.#connections].map((connection) => connection.ended));
    for (const connection of this.#connections) connection.leave();
    if (!(await within(ended, graceMs))) {
      const error = new FlightError("UNAVAILABLE", "The server is closing.", { hint: "Try again when it is back." });
      for (const call of this.#calls) call.end(error);
      if (!(await within(ended, lastWordsMs))) for (const connection of this.#connections) connection.kill();
    }
    for (const socket of this.#sockets) socket.destroy();
  }

  #greet(session: ServerHttp2Session, socket: Socket): void {
    const connection = new ServerConnection(session, socket, this.#options);
    this.#connections.add(connection);
    void connection.ended.then(() => this.#connections.delete(connection));
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
    stream.respond({ ":status": refusal }, { endStream: true });
    stream.resume();
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const call = new GrpcServerCall(stream, headers, this.#options.maxMessageBytes);
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
