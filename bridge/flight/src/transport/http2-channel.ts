import { FlightError } from "../error.js";
import { CallObservers, type ClientMiddleware } from "../middleware.js";
import { type Address, formatLocation } from "../protocol/location.js";
import { checkHeader } from "../protocol/metadata.js";
import { formatTimeout } from "../protocol/timeout.js";
import { Backoff } from "./backoff.js";
import { type CallLimits, CallScope } from "./call-scope.js";
import { GrpcClientCall } from "./client-call.js";
import { ClientConnection, type ConnectionOptions } from "./client-connection.js";
import { keepFreedMemory } from "./keep-freed-memory.js";
import { type Outgoing, RequestFrames } from "./request-frames.js";

export interface GrpcChannelOptions extends ConnectionOptions {
  headers: Readonly<Record<string, string>>;
  middleware: readonly ClientMiddleware[];
}

export interface GrpcCallOptions extends CallLimits {
  headers?: Readonly<Record<string, string>> | undefined;
  middleware?: readonly ClientMiddleware[] | undefined;
  waitForReady?: boolean | undefined;
}

/** How often a call is made that servers refuse without having looked at it. */
const maxAttempts = 3;

/**
 * The way to one gRPC server: a connection made when a call needs it, and made again after it was lost or has said goodbye. Calls on
 * a connection that says goodbye finish there, new ones go to the next.
 */
export class GrpcChannel {
  readonly #options: GrpcChannelOptions;
  readonly #address: Address;
  readonly #uri: string;
  readonly #backoff = new Backoff();
  readonly #connections = new Set<ClientConnection>();
  readonly #closing = new AbortController();
  #current: ClientConnection | undefined;

  constructor(address: Address, options: GrpcChannelOptions) {
    this.#options = options;
    this.#address = address;
    this.#uri = formatLocation(address);
    for (const [name, value] of Object.entries(options.headers)) checkHeader(name, value);
  }

  /**
   * Sends `request`, and resolves once the server answers. Rejects UNAVAILABLE when there is no connection, at once unless `waitForReady`.
   * A call that the server has not looked at is made again.
   */
  async call(path: string, request: Outgoing, options: GrpcCallOptions): Promise<GrpcClientCall> {
    if (this.#closing.signal.aborted) throw closed();
    const method = path.slice(path.lastIndexOf("/") + 1);
    const name = `${method} to ${this.#uri}`;
    const frames = new RequestFrames(request);
    const chosen = new Map(Object.entries({ ...this.#options.headers, ...options.headers }));
    const middleware = [...this.#options.middleware, ...(options.middleware ?? [])];
    const observers = new CallObservers();
    const scope = new CallScope(name, options);
    const over = (error: FlightError | undefined) => {
      scope.end();
      frames.stop();
      observers.ended(error);
    };
    try {
      if (middleware.length > 0) {
        scope.signal.throwIfAborted();
        await scope.within(observers.start(middleware, { method, path, uri: this.#uri, headers: chosen }));
      }
      for (const [header, value] of chosen) checkHeader(header, value);
      for (let attempt = 1; ; attempt++) {
        const connection = await this.#admitted(scope, options.waitForReady ?? false);
        const headers = headersOf(path, chosen, scope.remainingMs);
        const call = new GrpcClientCall(connection, {
          name,
          headers,
          request: frames,
          mayRepeat: attempt < maxAttempts,
          maxMessageBytes: this.#options.maxMessageBytes,
          scope,
          onHeaders: (headers, part) => observers.received(headers, part),
          onClose: over,
        });
        if (await call.taken) return call;
      }
    } catch (reason) {
      const error = FlightError.from(reason);
      over(error);
      throw error;
    }
  }

  /** Ends the connection and cuts off every call on it. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#connections].map((connection) => connection.destroy()));
  }

  /** A connection with a place for one more call. */
  async #admitted(scope: CallScope, waitForReady: boolean): Promise<ClientConnection> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#connected(scope, waitForReady);
      const place = connection.admit(scope.signal);
      if (place === true || (await place)) return connection;
      if (attempt < maxAttempts) continue;
      const error = new FlightError("UNAVAILABLE", `${this.#uri} ends every connection before a call.`, {
        hint: "See whether the server is closing, and call again.",
      });
      this.#backoff.fail(error);
      if (!waitForReady) throw error;
    }
  }

  /** A connection that was ready a moment ago. */
  async #connected(scope: CallScope, waitForReady: boolean): Promise<ClientConnection> {
    for (;;) {
      if (waitForReady) await this.#waitToConnect(scope);
      scope.signal.throwIfAborted();
      if (this.#closing.signal.aborted) throw closed();
      if (!this.#current?.usable) this.#current = this.#connect();
      const connection = this.#current;
      if (connection.isReady) return connection;
      try {
        await scope.within(connection.ready);
        return connection;
      } catch (reason) {
        if (this.#closing.signal.aborted) throw closed();
        if (!waitForReady || scope.signal.aborted) throw reason;
      }
    }
  }

  /** Waits until there is a connection or the next attempt for one may be made, or the client is closed. */
  async #waitToConnect(scope: CallScope): Promise<void> {
    const { signal } = this.#closing;
    while (!this.#current?.usable && this.#backoff.remainingMs > 0 && !signal.aborted) {
      await scope.within(this.#backoff.over(signal).catch(() => {}));
    }
  }

  /** Throws what the last attempt failed of while it is too early for the next. */
  #connect(): ClientConnection {
    this.#backoff.check();
    keepFreedMemory();
    const connection = new ClientConnection(this.#address, this.#options);
    this.#connections.add(connection);
    connection.ended.then(() => this.#connections.delete(connection));
    connection.ready.then(
      () => this.#backoff.reset(),
      (reason: FlightError) => this.#backoff.fail(reason),
    );
    return connection;
  }
}

function headersOf(
  path: string,
  chosen: ReadonlyMap<string, string>,
  timeoutMs: number | undefined,
): Record<string, string> {
  return {
    "user-agent": "arrow-flight-node",
    ...Object.fromEntries(chosen),
    ...(timeoutMs === undefined ? {} : { "grpc-timeout": formatTimeout(timeoutMs) }),
    ":method": "POST",
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    "grpc-accept-encoding": "identity",
  };
}

function closed(): FlightError {
  return new FlightError("FAILED_PRECONDITION", "The client is closed.", { hint: "Make a new one." });
}
