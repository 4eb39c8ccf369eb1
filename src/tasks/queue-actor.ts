import type { ActorHandle } from "./actor-handle.js";
import type { ActorOptions } from "./options.js";
import { remote } from "./remote.js";
import { Queue as Line } from "./scheduler/queue.js";

/** First in, first out, between any threads: what `createQueue` makes an actor of. */
export class Queue<T> {
  readonly #items = new Line<T>();
  readonly #takers = new Line<(item: T) => void>();
  readonly #givers = new Line<() => void>();
  readonly #maxSize: number;

  /** Use `createQueue`. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Adds an item, once there is room. */
  async put(item: T): Promise<void> {
    while (this.#isFull) await new Promise<void>((resolve) => this.#givers.push(resolve));
    this.#add(item);
  }

  /** Adds an item if there is room; returns whether there was. */
  tryPut(item: T): boolean {
    if (this.#isFull) return false;
    this.#add(item);
    return true;
  }

  /** Takes the oldest item, once there is one. */
  async get(): Promise<T> {
    if (this.#items.length > 0) return this.#take();
    return await new Promise<T>((resolve) => this.#takers.push(resolve));
  }

  /** Takes up to `most` items that are there. */
  getBatch(most: number): T[] {
    const items: T[] = [];
    while (items.length < most && this.#items.length > 0) items.push(this.#take());
    return items;
  }

  /** How many items wait. */
  size(): number {
    return this.#items.length;
  }

  get #isFull(): boolean {
    return this.#items.length >= this.#maxSize;
  }

  #add(item: T): void {
    const taker = this.#takers.shift();
    if (taker === undefined) this.#items.push(item);
    else taker(item);
  }

  #take(): T {
    const item = this.#items.shift() as T;
    this.#givers.shift()?.();
    return item;
  }
}

/**
 * Starts a queue: an actor whose handle travels. `maxSize` is how many items it holds before `put` waits, without limit by
 * default. It lives as other actors do.
 */
export function createQueue<T>(options: { maxSize?: number } & ActorOptions = {}): ActorHandle<Queue<T>> {
  const { maxSize = Number.POSITIVE_INFINITY, ...rest } = options;
  return remote(Queue<T>, rest).remote(maxSize) as ActorHandle<Queue<T>>;
}
