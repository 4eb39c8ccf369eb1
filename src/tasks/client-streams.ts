import type { RayflightError } from "../error.js";
import { whileBlocked } from "./context.js";
import type { KeepAlive } from "./deadline.js";
import type { ObjectRef } from "./object-ref.js";
import { ObjectRefGenerator, type RefSource } from "./object-ref-generator.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage, ClientReply } from "./protocol.js";
import type { ObjectId, TaskId } from "./scheduler/events.js";

export interface ClientStreamsOptions {
  readonly outbox: Outbox<ClientMessage>;
  readonly keepAlive: KeepAlive;
  /** A reference to an object that the node has and holds for this thread. */
  borrow(object: ObjectId): ObjectRef;
  /** Nobody takes the items of a task any more. */
  cancel(task: TaskId): void;
}

/** The streams that tasks of this thread make: items as they arrive, until somebody takes them. */
export class ClientStreams {
  readonly #options: ClientStreamsOptions;
  readonly #streams = new Map<TaskId, Stream>();
  readonly #finalizers = new FinalizationRegistry<TaskId>((task) => this.#streams.get(task)?.close());

  constructor(options: ClientStreamsOptions) {
    this.#options = options;
  }

  /** The stream of a task that is submitted in this turn. */
  open(task: TaskId, ahead: number): ObjectRefGenerator {
    const stream = new Stream(task, ahead, this.#options, () => this.#streams.delete(task));
    this.#streams.set(task, stream);
    const generator = new ObjectRefGenerator(stream);
    this.#finalizers.register(generator, task);
    return generator;
  }

  receive(reply: ClientReply & { type: "item" | "streamEnd" }): void {
    const stream = this.#streams.get(reply.task);
    if (reply.type === "streamEnd") stream?.end(reply.failed);
    else if (stream !== undefined) stream.add(this.#options.borrow(reply.object));
    // It came after the consumer had enough.
    else this.#options.borrow(reply.object)[Symbol.dispose]();
  }

  /** The session has ended. */
  close(reason: RayflightError): void {
    for (const stream of [...this.#streams.values()]) stream.fail(reason);
  }
}

type Taken = IteratorResult<ObjectRef, undefined>;

/** One stream. It does not hold its generator, so that this one can be collected. */
class Stream implements RefSource {
  readonly task: TaskId;
  readonly #ahead: number;
  readonly #options: ClientStreamsOptions;
  readonly #forget: () => void;
  /** Holds the task's own object, which says how it ended. */
  readonly #end: ObjectRef;
  readonly #made: ObjectRef[] = [];
  readonly #waiting: { resolve(taken: Taken): void; reject(reason: RayflightError): void }[] = [];
  #taken = 0;
  #said = 0;
  #ended = false;
  #closed: RayflightError | undefined;

  constructor(task: TaskId, ahead: number, options: ClientStreamsOptions, forget: () => void) {
    this.task = task;
    this.#ahead = ahead;
    this.#options = options;
    this.#forget = forget;
    this.#end = options.borrow(task);
  }

  async next(): Promise<Taken> {
    const ref = this.#made.shift();
    if (ref !== undefined) return this.#take(ref);
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#ended) return { done: true, value: undefined };
    const { keepAlive } = this.#options;
    keepAlive.begin();
    try {
      return await whileBlocked(new Promise<Taken>((resolve, reject) => this.#waiting.push({ resolve, reject })));
    } finally {
      keepAlive.end();
    }
  }

  close(): void {
    if (!this.#ended) {
      this.#options.cancel(this.task);
      this.end(false);
    }
    for (const ref of this.#made.splice(0)) ref[Symbol.dispose]();
  }

  /** An item was made. */
  add(ref: ObjectRef): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#made.push(ref);
    else waiter.resolve(this.#take(ref));
  }

  /** There will be no more items. */
  end(failed: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#forget();
    if (failed) this.add(this.#end);
    else this.#end[Symbol.dispose]();
    for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
  }

  fail(reason: RayflightError): void {
    this.#closed = reason;
    this.#ended = true;
    this.#forget();
    for (const { reject } of this.#waiting.splice(0)) reject(reason);
  }

  #take(ref: ObjectRef): Taken {
    this.#taken += 1;
    // Said now and then, so that a short item is not followed by a message each.
    if (!this.#ended && this.#ahead > 0 && (this.#taken - this.#said) * 2 >= this.#ahead) {
      this.#said = this.#taken;
      this.#options.outbox.push({ type: "took", task: this.task, count: this.#taken });
    }
    return { done: false, value: ref };
  }
}
