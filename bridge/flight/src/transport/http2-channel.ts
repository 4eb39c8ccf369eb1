import { type ClientHttp2Session, connect } from "node:http2";
import { createConnection } from "node:net";
import { FlightError } from "../error.js";
import type { Streamable } from "../messages.js";
import { type ClientMiddleware, startMiddleware } from "../middleware.js";
import type { Frame } from "../protocol/grpc-frame.js";
import { type Address, formatLocation } from "../protocol/location.js";
import { formatTimeout } from "../protocol/timeout.js";
import type { ClientTls } from "../tls.js";
import { type CallLimits, CallScope } from "./call-scope.js";
import { GrpcClientCall } from "./client-call.js";
import { keepFreedMemory } from "./keep-freed-memory.js";
import { http2Settings, type TransportOptions, widenSession } from "./settings.js";

export interface GrpcChannelOptions extends TransportOptions {
  headers: Readonly<Record<string, string>>;
  middleware: readonly ClientMiddleware[];
  connectTimeoutMs: number;
  tls: ClientTls | undefined;
}

export interface GrpcCallOptions extends CallLimits {
  headers?: Readonly<Record<string, string>> | undefined;
  middleware?: readonly ClientMiddleware[] | undefined;
}

/** One HTTP/2 connection to a gRPC server, made when a call needs it, and made again after it was lost. */
export class GrpcChannel {
  readonly #options: GrpcChannelOptions;
  readonly #address: Address;
  readonly #uri: string;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(address: Address, options: GrpcChannelOptions) {
    this.#options = options;
    this.#address = address;
    this.#uri = formatLocation(address);
  }

  /** Starts a call that sends `request`. Rejects UNAVAILABLE when there is no connection. */
  async call(path: string, request: Streamable<Frame>, options: GrpcCallOptions): Promise<GrpcClientCall> {
    if (this.#closed) {
      throw new FlightError("FAILED_PRECONDITION", "The client is closed.", { hint: "Make a new one." });
    }
    const method = path.slice(path.lastIndexOf("/") + 1);
    const name = `${method} to ${this.#uri}`;
    const chosen = new Map(Object.entries({ ...this.#options.headers, ...options.headers }));
    const middleware = [...this.#options.middleware, ...(options.middleware ?? [])];
    const observer = startMiddleware(middleware, { method, uri: this.#uri, headers: chosen });
    const scope = new CallScope(name, options);
    try {
      this.#session ??= this.#connect();
      const session = await scope.within(this.#session);
      hold(session);
      const onClose = (error: FlightError | undefined) => {
        scope.end();
        release(session);
        observer.ended(error);
      };
      const onHeaders = observer.received;
      const headers = this.#headers(path, chosen, options);
      const { maxMessageBytes } = this.#options;
      return new GrpcClientCall(session, { name, headers, request, maxMessageBytes, scope, onHeaders, onClose });
    } catch (reason) {
      scope.end();
      observer.ended(FlightError.from(reason));
      throw reason;
    }
  }

  /** Ends the connection and cuts off every call on it. */
  async close(): Promise<void> {
    this.#closed = true;
    const session = await this.#session?.catch(() => undefined);
    if (session === undefined || session.destroyed) return;
    await new Promise<void>((resolve) => {
      session.once("close", () => resolve());
      session.destroy();
    });
  }

  #headers(path: string, chosen: Map<string, string>, { timeoutMs }: GrpcCallOptions): Record<string, string> {
    return {
      ...Object.fromEntries(chosen),
      ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(timeoutMs) }),
      ":method": "POST",
      ":path": path,
      te: "trailers",
      "content-type": "application/grpc",
      "grpc-accept-encoding": "identity",
      "user-agent": "arrow-flight-node",
    };
  }

  #connect(): Promise<ClientHttp2Session> {
    keepFreedMemory();
    const { settings, maxSessionMemory } = http2Settings(this.#options);
    const { connectTimeoutMs } = this.#options;
    const { host, port, tls, path } = this.#address;
    const { ca, serverName, ...own } = this.#options.tls ?? {};
    const authority = formatLocation({ host, port }).replace(/^grpc:/, tls ? "https:" : "http:");
    const session = connect(path === undefined ? authority : "http://localhost", {
      ...own,
      ...(ca === undefined ? {} : { ca: [ca].flat() }),
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...(path === undefined ? {} : { createConnection: () => createConnection(path) }),
      settings: { ...settings, enablePush: false },
      maxSessionMemory,
    });
    const connected = new Promise<ClientHttp2Session>((resolve, reject) => {
      const timer = setTimeout(() => {
        session.destroy(new Error(`no answer within ${connectTimeoutMs} ms`));
      }, connectTimeoutMs);
      session.on("error", (cause: Error) => {
        clearTimeout(timer);
        reject(this.#unreachable(cause));
      });
      session.once("connect", () => {
        clearTimeout(timer);
        widenSession(session, this.#options);
        session.unref();
        resolve(session);
      });
    });
    const forget = () => {
      if (this.#session === connected) this.#session = undefined;
    };
    for (const event of ["error", "goaway", "close"]) session.once(event, forget);
    return connected;
  }

  #unreachable(cause: Error): FlightError {
    return new FlightError("UNAVAILABLE", `Cannot reach a Flight server at ${this.#uri}: ${cause.message}.`, {
      hint: "Start it, or check the host and the port.",
      cause,
    });
  }
}

const callsOf = new WeakMap<ClientHttp2Session, number>();

/** A connection keeps the program alive only while it has calls. */
function hold(session: ClientHttp2Session): void {
  callsOf.set(session, (callsOf.get(session) ?? 0) + 1);
  session.ref();
}

function release(session: ClientHttp2Session): void {
  const calls = (callsOf.get(session) ?? 1) - 1;
  callsOf.set(session, calls);
  if (calls === 0) session.unref();
}
