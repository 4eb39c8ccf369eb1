import { asCompleted } from "./as-completed.js";
import type { ObjectRef } from "./object-ref.js";
import { get } from "./verbs.js";

/** Calls a method of one of the pool's actors for one of the values. */
export type PoolCall<H, V, R> = (actor: H, value: V) => ObjectRef<R>;

/** Spreads calls over some actors: each has one at a time, and the next one goes to whoever is done first. */
export class ActorPool<H> {
  readonly #idle: H[];

  /** The actors must not be called by others meanwhile, or their calls queue up behind those. */
  constructor(actors: Iterable<H>) {
    this.#idle = [...actors];
  }

  /** The results, in the order of the values. Throws the failure of a call when its turn comes. */
  async *map<V, R>(call: PoolCall<H, V, R>, values: Iterable<V>): AsyncGenerator<R> {
    const early = new Map<number, ObjectRef<R>>();
    let next = 0;
    for await (const [index, ref] of this.#run(call, values)) {
      early.set(index, ref);
      for (let due = early.get(next); due !== undefined; due = early.get(next)) {
        early.delete(next);
        next += 1;
        yield await get(due);
      }
    }
  }

  /** The results, as they come. Throws the failure of a call when it comes. */
  async *mapUnordered<V, R>(call: PoolCall<H, V, R>, values: Iterable<V>): AsyncGenerator<R> {
    for await (const [, ref] of this.#run(call, values)) yield await get(ref);
  }

  /** Adds an actor, or gives back one that `popIdle` took. */
  push(actor: H): void {
    this.#idle.push(actor);
  }

  /** Takes an actor out that has no call; undefined when there is none. */
  popIdle(): H | undefined {
    return this.#idle.pop();
  }

  async *#run<V, R>(
    call: PoolCall<H, V, R>,
    values: Iterable<V>,
  ): AsyncGenerator<readonly [index: number, ref: ObjectRef<R>]> {
    const busy = new Map<ObjectRef<R>, { actor: H; index: number }>();
    const rest = values[Symbol.iterator]();
    let index = 0;
    try {
      for (let more = true; more || busy.size > 0; ) {
        for (let actor = more ? this.#idle.pop() : undefined; actor !== undefined; actor = this.#idle.pop()) {
          const { done, value } = rest.next();
          if (done) {
            more = false;
            this.#idle.push(actor);
            break;
          }
          busy.set(call(actor, value), { actor, index });
          index += 1;
        }
        if (busy.size === 0) return;
        for await (const ref of asCompleted(busy.keys())) {
          const { actor, index } = busy.get(ref)!;
          busy.delete(ref);
          this.#idle.push(actor);
          yield [index, ref];
          break;
        }
      }
    } finally {
      rest.return?.();
      for (const { actor } of busy.values()) this.#idle.push(actor);
    }
  }
}
