import type { ObjectRef } from "./object-ref.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage } from "./protocol.js";
import type { ObjectId } from "./scheduler/events.js";

/**
 * Counts the references that this thread has to each object and tells the node when the last one is gone. The node counts
 * threads, not references.
 */
export class LocalRefs {
  readonly #outbox: Outbox<ClientMessage>;
  readonly #counts = new Map<ObjectId, number>();
  readonly #released = new WeakSet<ObjectRef>();
  /** Objects that have an outcome, as far as this thread knows. */
  readonly #made = new Set<ObjectId>();
  readonly #finalizers = new FinalizationRegistry<ObjectId>((id) => this.drop(id));
  #closed = false;

  constructor(outbox: Outbox<ClientMessage>) {
    this.#outbox = outbox;
  }

  add(ref: ObjectRef): void {
    this.#counts.set(ref.id, (this.#counts.get(ref.id) ?? 0) + 1);
    this.#finalizers.register(ref, ref.id, ref);
  }

  /** Counts a reference whose end is seen elsewhere, and told by `drop`. */
  count(id: ObjectId): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
  }

  /** Whether the reference was not released. */
  holds(ref: ObjectRef): boolean {
    return !this.#released.has(ref);
  }

  release(ref: ObjectRef): void {
    if (this.#released.has(ref)) return;
    this.#released.add(ref);
    this.#finalizers.unregister(ref);
    this.drop(ref.id);
  }

  /** The object has an outcome. */
  made(id: ObjectId): void {
    if (this.#counts.has(id)) this.#made.add(id);
  }

  /** Whether it is known here that the object has an outcome. */
  isMade(id: ObjectId): boolean {
    return this.#made.has(id);
  }

  close(): void {
    this.#closed = true;
    this.#counts.clear();
    this.#made.clear();
  }

  /** A reference to this object is gone. */
  drop(id: ObjectId): void {
    if (this.#closed) return;
    const count = (this.#counts.get(id) ?? 1) - 1;
    if (count > 0) {
      this.#counts.set(id, count);
      return;
    }
    this.#counts.delete(id);
    this.#made.delete(id);
    const last = this.#outbox.last;
    if (last?.type === "release") last.objects.push(id);
    else this.#outbox.push({ type: "release", objects: [id] });
  }
}
