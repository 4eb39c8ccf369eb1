import { isPrimitive } from "../store/value-survey.js";
import type { TaskClient } from "./client.js";
import type { RunningTask } from "./context.js";
import type { Outbox } from "./outbox.js";
import { isThenable } from "./outcome.js";
import type { StreamPart, WorkerMessage } from "./protocol.js";

export interface ProducerOptions {
  readonly outbox: Outbox<WorkerMessage>;
  readonly client: TaskClient;
}

/** What a generator function returns. */
type Items = Iterator<unknown, unknown> | AsyncIterator<unknown, unknown>;

/** Items wait for each other at most this long before they are sent, where they are made without awaiting. */
const flushMilliseconds = 1;

/** Makes the items of one call of a generator, and sends each to the node. */
export class Producer {
  readonly #running: RunningTask;
  readonly #options: ProducerOptions;
  /** Items before this one were sent by an earlier attempt. */
  readonly #from: number;
  readonly #until: number | undefined;
  #limit: number;
  #mayGoOn: (() => void) | undefined;
  #items: Items | undefined;
  #stopped = false;

  constructor(running: RunningTask, { from, limit, until }: StreamPart, options: ProducerOptions) {
    this.#running = running;
    this.#options = options;
    this.#from = from;
    this.#until = until;
    this.#limit = limit;
  }

  /** Makes all items; resolves with how many there were, rejects with what the generator throws. */
  async run(items: Items): Promise<number> {
    this.#items = items;
    let flushed = performance.now();
    for (let index = 0; ; index++) {
      if (index === this.#until) this.stop();
      if (index >= this.#limit && !this.#stopped) await this.#wait(index);
      if (this.#stopped) return index;
      const step = items.next();
      const { done, value } = isThenable(step) ? await step : step;
      if (this.#stopped || done) return index;
      if (index >= this.#from) this.#send(index, value);
      const now = performance.now();
      if (now - flushed < flushMilliseconds) continue;
      this.#options.outbox.flush();
      // Messages get their turn: it may be that nobody wants the rest.
      await new Promise<void>((resolve) => setImmediate(resolve));
      flushed = performance.now();
    }
  }

  /** Items before this one may be made. */
  raise(limit: number): void {
    this.#limit = Math.max(this.#limit, limit);
    this.#mayGoOn?.();
  }

  /** Nobody wants more: the generator is ended where it stands, as by a loop that is left early. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#mayGoOn?.();
    try {
      const end = this.#items?.return?.();
      if (isThenable(end)) end.then(undefined, () => {});
    } catch {
      // Whoever would hear of it has left.
    }
  }

  #send(index: number, value: unknown): void {
    const { outbox, client } = this.#options;
    const { task, name } = this.#running;
    const packed = isPrimitive(value) ? value : client.codec.pack(value, `Item ${index + 1} of ${name}`);
    outbox.push({ type: "item", task, index, value: packed });
  }

  /** Waits until the item is wanted; others may run meanwhile. */
  async #wait(index: number): Promise<void> {
    this.#running.blocked();
    while (!this.#stopped && index >= this.#limit) {
      await new Promise<void>((resolve) => {
        this.#mayGoOn = resolve;
      });
    }
    this.#running.resumed();
  }
}
