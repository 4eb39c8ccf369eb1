import { RayflightError } from "../error.js";
import type { ActorHandle } from "./actor-handle.js";
import type { ActorOptions } from "./options.js";
import { remote } from "./remote.js";
import { getRuntimeContext } from "./runtime-context.js";
import { Queue as Line } from "./scheduler/queue.js";

/** First in, first out, between any threads: what `createQueue` makes an actor of. */
export class Queue<T> {
  readonly #items = new Line<T>();
  readonly #takers = new Line<(item: T) => void>();
  readonly #givers = new Line<(go: undefined) => void>();
  readonly #maxSize: number;

  /** Use `createQueue`. */
  constructor(maxSize: number) {
    this.#maxSize = maxSize === 0 ? Number.POSITIVE_INFINITY : maxSize;
  }

  /** Adds an item, once there is room. Cancelled while it waits, it adds none. */
  async put(item: T): Promise<void> {
    while (this.#isFull) await queueUp(this.#givers);
    this.#add(item);
  }

  /** Adds an item if there is room; returns whether there was. */
  tryPut(item: T): boolean {
    if (this.#isFull) return false;
    this.#add(item);
    return true;
  }

  /** Takes the oldest item, once there is one. Cancelled while it waits, it takes none. */
  async get(): Promise<T> {
    if (this.#items.length > 0) return this.#take();
    return await queueUp(this.#takers);
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
    this.#givers.shift()?.(undefined);
    return item;
  }
}

/** The running call waits in a line until its turn comes; it leaves the line when it is cancelled. */
async function queueUp<V>(line: Line<(value: V) => void>): Promise<V> {
  const { signal } = getRuntimeContext();
  return await new Promise<V>((resolve, reject) => {
    line.push(resolve);
    const leave = () => {
      line.remove(resolve);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave, { once: true });
  });
}

/**
 * Starts a queue: an actor whose handle travels. `maxSize` is how many items it holds before `put` waits; 0, the default, is
 * no limit. It lives as other actors do. Throws INVALID_ARGUMENT where `maxSize` is no whole number of at least 0, and what
 * `RemoteClass.remote` throws.
 */
export function createQueue<T>(options: { maxSize?: number } & ActorOptions = {}): ActorHandle<Queue<T>> {
  const { maxSize = 0, ...rest } = options;
  if (maxSize !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxSize) && maxSize >= 0)) {
    throw new RayflightError("INVALID_ARGUMENT", `maxSize is ${maxSize}.`, {
      hint: "Give a whole number of at least 0, which is for no limit.",
    });
  }
  return remote(Queue<T>, rest).remote(maxSize) as ActorHandle<Queue<T>>;
}
