import type { ActorId } from "./scheduler/events.js";

/**
 * Counts the handles that this thread has of each actor. When the last one is collected, `released` hears of it: the node
 * counts threads, not handles.
 */
export class LocalHandles {
  readonly #counts = new Map<ActorId, number>();
  readonly #finalizers = new FinalizationRegistry<ActorId>((actor) => this.#drop(actor));
  readonly #released: (actor: ActorId) => void;
  #closed = false;

  constructor(released: (actor: ActorId) => void) {
    this.#released = released;
  }

  add(handle: object, actor: ActorId): void {
    this.#counts.set(actor, (this.#counts.get(actor) ?? 0) + 1);
    this.#finalizers.register(handle, actor);
  }

  /** Whether there is a handle of the actor. */
  has(actor: ActorId): boolean {
    return this.#counts.has(actor);
  }

  close(): void {
    this.#closed = true;
  }

  #drop(actor: ActorId): void {
    if (this.#closed) return;
    const count = this.#counts.get(actor)! - 1;
    if (count > 0) {
      this.#counts.set(actor, count);
      return;
    }
    this.#counts.delete(actor);
    this.#released(actor);
  }
}
