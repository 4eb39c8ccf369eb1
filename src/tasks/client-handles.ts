import { type ActorControl, createActorHandle, type HandleOwner } from "./actor-handle.js";
import type { ActorRecord } from "./live.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage } from "./protocol.js";
import type { ActorId } from "./scheduler/events.js";

export interface LocalHandlesOptions {
  /** Whose the thread's handles are. */
  readonly owner: HandleOwner;
  readonly outbox: Outbox<ClientMessage>;
  /** Calls `then` as soon as no call of this thread to the actor is open. */
  whenIdle(actor: ActorId, then: () => void): void;
}

/**
 * Makes the handles that this thread has of actors, and counts them. When the last one of an actor is collected and its
 * calls have ended, the node hears of it: it counts threads, not handles.
 */
export class LocalHandles {
  readonly #counts = new Map<ActorId, number>();
  readonly #finalizers = new FinalizationRegistry<ActorId>((actor) => this.#drop(actor));
  readonly #options: LocalHandlesOptions;
  #closed = false;

  constructor(options: LocalHandlesOptions) {
    this.#options = options;
  }

  /** A handle of an actor that the node knows, or is told of in this turn, to be this thread's. */
  adopt(record: ActorRecord): ActorControl {
    const { actor } = record;
    const handle = createActorHandle(record, this.#options.owner);
    this.#counts.set(actor, (this.#counts.get(actor) ?? 0) + 1);
    this.#finalizers.register(handle, actor);
    return handle;
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
    this.#options.whenIdle(actor, () => {
      // Another one may have come meanwhile.
      if (this.#closed || this.#counts.has(actor)) return;
      this.#options.outbox.push({ type: "release", objects: [actor] });
    });
  }
}
