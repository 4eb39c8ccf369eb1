import type { ObjectId } from "./events.js";

/** Who waits for which objects. */
export class Dependencies<N> {
  readonly #missing = new Map<N, Set<ObjectId>>();
  readonly #waiters = new Map<ObjectId, Set<N>>();

  /** Notes that `node` needs `objects`; returns whether there is anything to wait for. */
  wait(node: N, objects: readonly ObjectId[]): boolean {
    if (objects.length === 0) return false;
    this.#missing.set(node, new Set(objects));
    for (const object of objects) {
      const waiters = this.#waiters.get(object);
      if (waiters === undefined) this.#waiters.set(object, new Set([node]));
      else waiters.add(node);
    }
    return true;
  }

  /** The object can be read: returns who waits for nothing any more, in the order in which they began to wait. */
  available(object: ObjectId): N[] {
    const ready: N[] = [];
    for (const node of this.#take(object)) {
      const missing = this.#missing.get(node)!;
      missing.delete(object);
      if (missing.size > 0) continue;
      this.#missing.delete(node);
      ready.push(node);
    }
    return ready;
  }

  /** The object will never be: returns who waited for it. They wait no more. */
  unavailable(object: ObjectId): N[] {
    const failed = [...this.#take(object)];
    for (const node of failed) this.forget(node);
    return failed;
  }

  /** `node` no longer waits; returns whether it did. */
  forget(node: N): boolean {
    const missing = this.#missing.get(node);
    if (missing === undefined) return false;
    this.#missing.delete(node);
    for (const object of missing) {
      const waiters = this.#waiters.get(object);
      waiters?.delete(node);
      if (waiters?.size === 0) this.#waiters.delete(object);
    }
    return true;
  }

  /** How many wait. */
  get size(): number {
    return this.#missing.size;
  }

  #take(object: ObjectId): Iterable<N> {
    const waiters = this.#waiters.get(object);
    this.#waiters.delete(object);
    return waiters ?? [];
  }
}
