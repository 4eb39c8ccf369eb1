import { FlightError } from "./error.js";
import type { ServerCall } from "./handlers.js";

/** A call that a client is about to make. */
export interface ClientCall {
  /** The RPC's name, such as "DoGet". */
  readonly method: string;
  /** The RPC with its service, such as "/arrow.flight.protocol.FlightService/DoGet". */
  readonly path: string;
  /** The server's address. */
  readonly uri: string;
  /** What will be sent, names in lower case; may be changed. */
  readonly headers: Map<string, string>;
}

/** Where in a response headers came: gRPC's initial and its trailing metadata. */
export type HeaderPart = "headers" | "trailers";

/** What is told of a call, whether it succeeds or fails. */
export interface ClientCallObserver {
  /** Gets what the server sent: the headers before its messages, and the trailers beside its status. A call may have only the latter. */
  received?(headers: ReadonlyMap<string, string>, part: HeaderPart): void;
  /** Runs once, when the call is over and its stream closed: often a moment after the caller has its answer. `error` is what it failed of. */
  ended?(error: FlightError | undefined): void;
}

/**
 * Runs before each call of a client: may change its headers, follow it, or throw to refuse it. It may take its time, to fetch a token for
 * instance: the call waits, within its own.
 */
export type ClientMiddleware = (
  call: ClientCall,
) => ClientCallObserver | undefined | Promise<ClientCallObserver | undefined>;

/**
 * Runs before each call to a server, before it is authenticated: may read its headers, set some of the answer, or throw to refuse
 * it; the call waits. What it returns runs once, when the call ends, before its trailers are sent; `error` is what it failed of.
 */
export type ServerMiddleware = (call: ServerCall) => CallEnd | undefined | Promise<CallEnd | undefined>;

/** Hears what a call failed of; undefined where it did not. */
export type CallEnd = (error: FlightError | undefined) => void;

/** All middleware of one call of a client. */
export class CallObservers implements Required<ClientCallObserver> {
  readonly #observers: ClientCallObserver[] = [];
  #over: { error: FlightError | undefined } | undefined;

  /** Runs every middleware, one after the other, as long as the call is not over. */
  async start(all: readonly ClientMiddleware[], call: ClientCall): Promise<void> {
    for (const middleware of all) {
      const observer = await middleware(call);
      if (observer !== undefined) this.#observers.push(observer);
      if (this.#over !== undefined) return this.ended(this.#over.error);
    }
  }

  received(headers: ReadonlyMap<string, string>, part: HeaderPart): void {
    for (const observer of this.#observers) observer.received?.(headers, part);
  }

  ended(error: FlightError | undefined): void {
    this.#over ??= { error };
    for (const observer of this.#observers.splice(0)) {
      try {
        observer.ended?.(error);
      } catch (reason) {
        // The call is over, so that no one waits for what this throws.
        process.emitWarning(FlightError.from(reason));
      }
    }
  }
}
