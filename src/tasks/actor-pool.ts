import { RayflightError } from "../error.js";
import type { ObjectRef } from "./object-ref.js";
import { get, wait } from "./verbs.js";

/** Calls a method of one of the pool's actors for one of the values. */
export type PoolCall<H, V, R> = (actor: H, value: V) => ObjectRef<R>;

/**
 * Spreads calls over some actors: each has one at a time, and the next one goes to whoever is done first. Where two run beside
 * each other, `map` and `mapUnordered` share the actors; they throw FAILED_PRECONDITION where there are none.
 */
export class ActorPool<H> {
  readonly #idle: H[];
  /** How many others have a call. */
  #busy = 0;
  /** Who waits for an actor that somebody else has. */
  readonly #waiting: (() => void)[] = [];

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
    for (const wake of this.#waiting.splice(0)) wake();
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
    const giveBack = (actor: H) => {
      this.#busy -= 1;
      this.push(actor);
    };
    try {
      for (let more = true; more || busy.size > 0; ) {
        while (more && this.#idle.length > 0) {
          const { done, value } = rest.next();
          more = done !== true;
          if (!more) break;
          const actor = this.#idle.pop()!;
          this.#busy += 1;
          try {
            busy.set(call(actor, value as V), { actor, index });
          } catch (error) {
            giveBack(actor);
            throw error;
          }
          index += 1;
        }
        if (busy.size > 0) {
          const [[ref]] = (await wait([...busy.keys()])) as [[ObjectRef<R>], unknown];
          const { actor, index } = busy.get(ref)!;
          busy.delete(ref);
          giveBack(actor);
          yield [index, ref];
        } else if (more) await this.#someoneIdle();
      }
    } finally {
      rest.return?.();
      for (const { actor } of busy.values()) giveBack(actor);
    }
  }

  /** Waits until somebody else gives an actor back. */
  async #someoneIdle(): Promise<void> {
    if (this.#busy === 0) {
      throw new RayflightError("FAILED_PRECONDITION", "The pool has no actor.", {
        hint: "Give it actors, or those back that popIdle() took.",
      });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
