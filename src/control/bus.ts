import { MessagePort, receiveMessageOnPort, type TransferListItem, type Worker } from "node:worker_threads";
import { RayflightError } from "../error.js";
import { BusCalls } from "./bus-calls.js";
import { BusServer, type Handlers } from "./bus-server.js";
import type { BusMessage } from "./wire.js";

export interface CallOptions {
  /** Cancels: the call rejects at once with CANCELLED, and the serving side's `context.signal` aborts. */
  signal?: AbortSignal | undefined;
  /** Objects inside the argument that move to the other thread; SharedArrayBuffers are shared without being named. */
  transfer?: readonly TransferListItem[];
}

export interface StreamOptions {
  signal?: AbortSignal | undefined;
}

/**
 * One side of a pair of threads: both sides may serve and call. Everything between the driver and the node, and between
 * a worker and the node, goes over one bus. Errors arrive as the RayflightError that the other side threw.
 */
export interface Bus {
  /**
   * Adds handlers; may be called several times with disjoint names. Serve in the same turn in which the bus is made:
   * a request for a name that nobody serves is answered NOT_FOUND.
   */
  serve(handlers: Handlers): void;
  /** Asks for one answer. Rejects with the handler's error, or with the bus's reason once it closes. */
  call<T>(method: string, argument: unknown, options?: CallOptions): Promise<T>;
  /**
   * Asks for a sequence, once, at the first `next()`. The handler runs ahead of the reader by a small window and no
   * further. Leaving the loop early cancels the handler.
   */
  stream<T>(method: string, argument: unknown, options?: StreamOptions): AsyncIterable<T>;
  /** Sends without an answer; what the handler throws is dropped. Ignored once the bus is closed. */
  notify(method: string, argument: unknown, options?: Pick<CallOptions, "transfer">): void;
  /** Hands out now what has come: for a thread that stops, and does not get back to its event loop. Not for a `Worker`. */
  receiveNow(): void;
  /** Ends both sides: pending calls and streams reject with `reason` (UNAVAILABLE by default). May be called twice. */
  close(reason?: RayflightError): void;
  /** Resolves with the reason once the bus is closed, by either side or because the other thread ended. */
  readonly closed: Promise<RayflightError>;
}

export interface BusOptions {
  /** Keeps this thread alive while the bus is open. By default only pending calls and open streams do. */
  keepAlive?: boolean;
}

/** Makes this thread's side of a bus. The port must not be used for anything else from now on. */
export function createBus(port: MessagePort | Worker, options: BusOptions = {}): Bus {
  return new PortBus(port, options.keepAlive ?? false);
}

class PortBus implements Bus {
  readonly closed: Promise<RayflightError>;
  readonly #port: MessagePort | Worker;
  readonly #calls: BusCalls;
  readonly #server: BusServer;
  #resolveClosed!: (reason: RayflightError) => void;
  #reason: RayflightError | undefined;

  constructor(port: MessagePort | Worker, keepAlive: boolean) {
    this.#port = port;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    const post = (message: BusMessage, transfer?: readonly TransferListItem[]) => this.#post(message, transfer);
    this.#calls = new BusCalls(post, (busy) => {
      if (keepAlive || this.#reason !== undefined) return;
      if (busy) port.ref();
      else port.unref();
    });
    this.#server = new BusServer(post);
    port.on("message", this.#receive);
    port.on("messageerror", this.#unreadable);
    port.on("close", this.#gone);
    port.on("exit", this.#gone);
    if (!keepAlive) port.unref();
  }

  serve(handlers: Handlers): void {
    this.#server.add(handlers);
  }

  async call<T>(method: string, argument: unknown, options: CallOptions = {}): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    return (await this.#calls.call(method, argument, options)) as T;
  }

  stream<T>(method: string, argument: unknown, options: StreamOptions = {}): AsyncIterable<T> {
    return {
      [Symbol.asyncIterator]: () => {
        if (this.#reason !== undefined) throw this.#reason;
        return this.#calls.stream(method, argument, options) as AsyncIterator<T>;
      },
    };
  }

  notify(method: string, argument: unknown, options: Pick<CallOptions, "transfer"> = {}): void {
    if (this.#reason === undefined) this.#post({ type: "notify", method, argument }, options.transfer);
  }

  receiveNow(): void {
    if (!(this.#port instanceof MessagePort)) return;
    while (this.#reason === undefined) {
      const received = receiveMessageOnPort(this.#port) as { message: BusMessage } | undefined;
      if (received === undefined) return;
      this.#receive(received.message);
    }
  }

  close(reason = new RayflightError("UNAVAILABLE", "The connection to the other thread was closed.")): void {
    if (this.#reason !== undefined) return;
    this.#post({ type: "close", error: reason.toRecord() });
    this.#finish(reason);
  }

  #post(message: BusMessage, transfer?: readonly TransferListItem[]): void {
    if (this.#reason === undefined) this.#port.postMessage(message, transfer);
  }

  readonly #receive = (message: BusMessage): void => {
    if (message.type === "close") this.#finish(RayflightError.fromRecord(message.error));
    else if (!this.#calls.receive(message)) this.#server.receive(message);
  };

  readonly #unreadable = (cause: Error): void => {
    this.close(new RayflightError("NOT_SERIALIZABLE", `A message could not be read: ${cause.message}`, { cause }));
  };

  readonly #gone = (): void => {
    this.#finish(new RayflightError("UNAVAILABLE", "The other thread ended while it was needed."));
  };

  #finish(reason: RayflightError): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    const port = this.#port;
    port.off("message", this.#receive);
    port.off("messageerror", this.#unreadable);
    port.off("close", this.#gone);
    port.off("exit", this.#gone);
    this.#calls.close(reason);
    this.#server.close(reason);
    if ("close" in port) port.close();
    else port.unref();
    this.#resolveClosed(reason);
  }
}
