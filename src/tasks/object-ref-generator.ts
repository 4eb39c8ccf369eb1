import type { ObjectRef } from "./object-ref.js";
import type { TaskId } from "./scheduler/events.js";

/** Where a generator's references come from. */
export interface RefSource {
  readonly task: TaskId;
  next(): Promise<IteratorResult<ObjectRef, undefined>>;
  /** Stops the making, and releases what was made and not taken. */
  close(): void;
}

/**
 * What a call of a remote generator gives: a reference to each item, as soon as it is made. Made items that nobody has taken
 * are no more than the option `generatorBackpressure` says. When the generator throws, or its task fails, the last reference
 * is to that failure, as in Ray.
 *
 * Ending a loop early, `return()`, `await using` and garbage collection stop the task and release what was not taken. It
 * belongs to its thread and does not travel; the references do.
 */
export class ObjectRefGenerator<T = unknown> implements AsyncIterableIterator<ObjectRef<T>, undefined> {
  readonly #source: RefSource;

  /** Called by backends only. */
  constructor(source: RefSource) {
    this.#source = source;
  }

  /** The task that makes the items. */
  get task(): TaskId {
    return this.#source.task;
  }

  /**
   * The next reference. Rejects with UNAVAILABLE when the session ends, and with TASK_CANCELLED where the task that waits was
   * cancelled.
   */
  async next(): Promise<IteratorResult<ObjectRef<T>, undefined>> {
    return (await this.#source.next()) as IteratorResult<ObjectRef<T>, undefined>;
  }

  /** Takes no more: stops the task, and releases what was not taken. */
  async return(): Promise<IteratorResult<ObjectRef<T>, undefined>> {
    this.#source.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#source.close();
  }
}
