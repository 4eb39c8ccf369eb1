import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { FlightError } from "../error.js";
import type { Streamable } from "../messages.js";
import type { Frame } from "../protocol/grpc-frame.js";
import type { Address } from "../protocol/location.js";
import type { ServerTls } from "../tls.js";
import { keepFreedMemory } from "./keep-freed-memory.js";
import { GrpcServerCall } from "./server-call.js";
import { http2Settings, type TransportOptions, widenSession } from "./settings.js";

/** Answers one RPC: from the call's messages to the frames of its response. */
export type GrpcHandler = (call: GrpcServerCall) => Streamable<Frame>;

export interface GrpcServerOptions extends TransportOptions {
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
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #calls = new Set<GrpcServerCall>();

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
    this.#server.on("session", (session) => this.#greet(session));
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
    this.#server.close();
    const closed = Promise.all([...this.#sessions].map((session) => closeGently(session)));
    if (await within(closed, graceMs)) return;
    const error = new FlightError("UNAVAILABLE", "The server is closing.", { hint: "Try again when it is back." });
    for (const call of this.#calls) call.end(error);
    if (await within(closed, lastWordsMs)) return;
    for (const session of this.#sessions) session.destroy();
  }

  #greet(session: ServerHttp2Session): void {
    widenSession(session, this.#options);
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
  }

  #accept(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (headers[":method"] !== "POST" || !headers["content-type"]?.startsWith("application/grpc")) {
      stream.on("error", () => {});
      stream.respond({ ":status": 415 }, { endStream: true });
      stream.resume();
      return;
    }
    void this.#answer(stream, headers);
  }

  async #answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const call = new GrpcServerCall(stream, headers, this.#options.maxMessageBytes);
    this.#calls.add(call);
    try {
      call.startDeadline();
      const handler = await this.#route(String(headers[":path"]), call);
      await sendAll(call, handler(call));
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

async function sendAll(call: GrpcServerCall, frames: Streamable<Frame>): Promise<void> {
  for await (const frame of frames) {
    if (call.ended) break;
    const full = call.send(frame);
    if (full !== undefined) await full;
  }
}

function closeGently(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.destroyed) return resolve();
    session.once("close", () => resolve());
    session.close();
  });
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
