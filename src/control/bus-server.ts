import type { TransferListItem } from "node:worker_threads";
import { type ErrorRecord, RayflightError } from "../error.js";
import { unsendable } from "./bus-calls.js";
import type { BusMessage } from "./wire.js";

/** What a handler gets besides its argument. */
export interface HandlerContext {
  /** Aborts when the asking side cancels, leaves the stream or is gone. */
  readonly signal: AbortSignal;
}

/** Answers one method: with a value or a promise to `call`, with an AsyncIterable to `stream`, with nothing to `notify`. */
export type Handler = (argument: unknown, context: HandlerContext) => unknown;

export type Handlers = Record<string, Handler>;

/** A handler's result some of whose parts move to the asking thread. */
export class Transferred {
  readonly value: unknown;
  readonly transfer: readonly TransferListItem[];
  constructor(value: unknown, transfer: readonly TransferListItem[]) {
    this.value = value;
    this.transfer = transfer;
  }
}

/** Marks `parts` of a handler's result, or of an item of its stream, as moving to the asking thread. */
export function transferring<T>(value: T, parts: readonly TransferListItem[]): T {
  return new Transferred(value, parts) as T;
}

interface Serving {
  readonly abort: AbortController;
  credit: number;
  wake: (() => void) | undefined;
}

/** The answering half of a bus. */
export class BusServer {
  readonly #post: (message: BusMessage, transfer?: readonly TransferListItem[]) => void;
  readonly #handlers = new Map<string, Handler>();
  readonly #serving = new Map<number, Serving>();

  constructor(post: (message: BusMessage, transfer?: readonly TransferListItem[]) => void) {
    this.#post = post;
  }

  add(handlers: Handlers): void {
    for (const [name, handler] of Object.entries(handlers)) {
      if (this.#handlers.has(name)) {
        throw new RayflightError("ALREADY_EXISTS", `This bus already serves "${name}".`, {
          hint: "Give each method one handler.",
        });
      }
      this.#handlers.set(name, handler);
    }
  }

  receive(message: BusMessage): void {
    switch (message.type) {
      case "call":
        void this.#run(message.id, 0, async (signal) => {
          const value = await this.#invoke(message.method, message.argument, signal);
          this.#answer("result", message.id, value, message.method);
        });
        return;
      case "stream":
        void this.#run(message.id, message.credit, (signal, serving) => this.#pump(message, signal, serving));
        return;
      case "notify":
        void this.#invoke(message.method, message.argument, new AbortController().signal).catch(() => {});
        return;
      case "credit": {
        const serving = this.#serving.get(message.id);
        if (serving === undefined) return;
        serving.credit += message.count;
        serving.wake?.();
        return;
      }
      case "cancel":
        this.#serving
          .get(message.id)
          ?.abort.abort(new RayflightError("CANCELLED", "The asking side no longer wants the answer."));
        return;
    }
  }

  close(reason: RayflightError): void {
    for (const { abort } of this.#serving.values()) abort.abort(reason);
  }

  async #run(
    id: number,
    credit: number,
    work: (signal: AbortSignal, serving: Serving) => Promise<void>,
  ): Promise<void> {
    const serving: Serving = { abort: new AbortController(), credit, wake: undefined };
    this.#serving.set(id, serving);
    try {
      await work(serving.abort.signal, serving);
    } catch (reason) {
      this.#post({ type: "error", id, error: recordOf(reason) });
    } finally {
      this.#serving.delete(id);
    }
  }

  async #invoke(method: string, argument: unknown, signal: AbortSignal): Promise<unknown> {
    const handler = this.#handlers.get(method);
    if (handler === undefined) {
      throw new RayflightError("NOT_FOUND", `The other thread does not serve "${method}".`, {
        hint: "Check that both threads run the same version of rayflight.",
      });
    }
    return await handler(argument, { signal });
  }

  async #pump(message: BusMessage & { type: "stream" }, signal: AbortSignal, serving: Serving): Promise<void> {
    const { id, method, argument } = message;
    signal.addEventListener("abort", () => serving.wake?.());
    const iterator = ((await this.#invoke(method, argument, signal)) as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    for (;;) {
      while (serving.credit === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          serving.wake = resolve;
        });
      }
      const next = signal.aborted ? undefined : await nextUnlessWoken(iterator, serving);
      if (next === undefined) {
        void iterator.return?.()?.catch(() => {});
        throw signal.reason;
      }
      if (next.done) break;
      serving.credit -= 1;
      this.#answer("item", id, next.value, method);
    }
    this.#post({ type: "end", id });
  }

  #answer(type: "result" | "item", id: number, value: unknown, method: string): void {
    const { value: sent, transfer } = value instanceof Transferred ? value : { value, transfer: undefined };
    try {
      this.#post({ type, id, value: sent }, transfer);
    } catch (cause) {
      throw unsendable(`What "${method}" returned`, cause);
    }
  }
}

/** A foreign error keeps its own stack: the place where it was thrown is what the asking side wants to see. */
function recordOf(reason: unknown): ErrorRecord {
  const record = RayflightError.from(reason).toRecord();
  const foreign = reason instanceof Error && !(reason instanceof RayflightError);
  return foreign && reason.stack !== undefined ? { ...record, stack: reason.stack } : record;
}

/**
 * A generator that waits for something else would hold a plain `return()` back, so an abort does not wait for it.
 * (A race against one long-lived promise would keep every item of the stream alive.)
 */
function nextUnlessWoken(
  iterator: AsyncIterator<unknown>,
  serving: Serving,
): Promise<IteratorResult<unknown> | undefined> {
  return new Promise((resolve, reject) => {
    serving.wake = () => {
      if (serving.abort.signal.aborted) resolve(undefined);
    };
    iterator.next().then(resolve, reject);
  });
}
