import type { ObjectId } from "../scheduler/events.js";

/** Objects at the node that calls of this thread name: each is held until its call has ended, whoever else lets go of it. */
export class HeldObjects {
  readonly #held = new Map<number, readonly ObjectId[]>();
  readonly #refs: { count(id: ObjectId): void; drop(id: ObjectId): void };

  constructor(refs: { count(id: ObjectId): void; drop(id: ObjectId): void }) {
    this.#refs = refs;
  }

  /** The call with this number names these objects. */
  hold(call: number, objects: readonly ObjectId[]): void {
    for (const object of objects) this.#refs.count(object);
    const known = this.#held.get(call);
    this.#held.set(call, known === undefined ? objects : [...known, ...objects]);
  }

  /** A call has ended. */
  ended(call: number): void {
    if (this.#held.size === 0) return;
    const objects = this.#held.get(call);
    if (objects === undefined) return;
    this.#held.delete(call);
    for (const object of objects) this.#refs.drop(object);
  }
}
