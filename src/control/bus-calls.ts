import type { TransferListItem } from "node:worker_threads";
import { RayflightError } from "../error.js";
import type { CallOptions, StreamOptions } from "./bus.js";
import { createInbox, type Inbox } from "./inbox.js";
import type { BusMessage } from "./wire.js";

/** How many items a stream's handler may be ahead of its reader. */
const window = 16;

type Post = (message: BusMessage, transfer?: readonly TransferListItem[]) => void;
type Waiting = { resolve(value: unknown): void; reject(error: RayflightError): void };

/** The asking half of a bus: what is pending on this side, by id. */
export class BusCalls {
  readonly #post: Post;
  readonly #setBusy: (busy: boolean) => void;
  readonly #calls = new Map<number, Waiting>();
  readonly #streams = new Map<number, Inbox<unknown>>();
  #nextId = 1;

  constructor(post: Post, setBusy: (busy: boolean) => void) {
    this.#post = post;
    this.#setBusy = setBusy;
  }

  async call(method: string, argument: unknown, options: CallOptions): Promise<unknown> {
    const { signal, transfer } = options;
    if (signal?.aborted) throw cancelled(signal);
    const id = this.#nextId++;
    this.#send({ type: "call", id, method, argument }, transfer);
    const answer = new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    this.#updateBusy();
    const cancel = () => {
      this.#post({ type: "cancel", id });
      this.#settle(id)?.reject(cancelled(signal!));
    };
    signal?.addEventListener("abort", cancel, { once: true });
    try {
      return await answer;
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  }

  async *stream(method: string, argument: unknown, options: StreamOptions): AsyncGenerator<unknown, void> {
    const { signal } = options;
    if (signal?.aborted) throw cancelled(signal);
    const id = this.#nextId++;
    this.#send({ type: "stream", id, method, argument, credit: window });
    const inbox = createInbox<unknown>();
    this.#streams.set(id, inbox);
    this.#updateBusy();
    const cancel = () => inbox.fail(cancelled(signal!));
    signal?.addEventListener("abort", cancel, { once: true });
    let ended = false;
    try {
      for await (const value of inbox) {
        yield value;
        this.#post({ type: "credit", id, count: 1 });
      }
      ended = true;
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#streams.delete(id);
      if (!ended) this.#post({ type: "cancel", id });
      this.#updateBusy();
    }
  }

  /** Takes a message that answers this side; returns false when it is not an answer. */
  receive(message: BusMessage): boolean {
    switch (message.type) {
      case "result":
        this.#settle(message.id)?.resolve(message.value);
        return true;
      case "item":
        this.#streams.get(message.id)?.push(message.value);
        return true;
      case "end":
        this.#streams.get(message.id)?.end();
        return true;
      case "error": {
        const error = RayflightError.fromRecord(message.error);
        this.#settle(message.id)?.reject(error);
        this.#streams.get(message.id)?.fail(error);
        return true;
      }
      default:
        return false;
    }
  }

  close(reason: RayflightError): void {
    for (const { reject } of this.#calls.values()) reject(reason);
    for (const inbox of this.#streams.values()) inbox.fail(reason);
    this.#calls.clear();
  }

  #send(message: BusMessage & { method: string }, transfer?: readonly TransferListItem[]): void {
    try {
      this.#post(message, transfer);
    } catch (cause) {
      throw unsendable(`The argument of "${message.method}"`, cause);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#calls.get(id);
    this.#calls.delete(id);
    this.#updateBusy();
    return waiting;
  }

  #updateBusy(): void {
    this.#setBusy(this.#calls.size + this.#streams.size > 0);
  }
}

function cancelled(signal: AbortSignal): RayflightError {
  const { reason } = signal;
  if (reason instanceof RayflightError) return reason;
  const message = reason instanceof Error ? reason.message : String(reason);
  return new RayflightError("CANCELLED", message, { cause: reason });
}

/** The error for something that structured clone refuses. */
export function unsendable(what: string, cause: unknown): RayflightError {
  return new RayflightError("NOT_SERIALIZABLE", `${what} cannot be sent to another thread: ${String(cause)}.`, {
    hint: "Send plain data, typed arrays and SharedArrayBuffers; functions and handles stay where they are.",
    cause,
  });
}
