import type { UpMessage } from "../protocol.js";
import type { ClientId } from "../scheduler/events.js";

/** Messages of threads that must wait for another thread's, in order: all that follow one that waits wait, too. */
export class HeldMessages {
  #held = new Map<ClientId, UpMessage[]>();

  /** Adds to what is held of a thread; returns false when nothing is. */
  hold(client: ClientId, batch: readonly UpMessage[]): boolean {
    const held = this.#held.get(client);
    if (held === undefined) return false;
    held.push(...batch);
    return true;
  }

  /** Holds a thread's messages from now on. */
  open(client: ClientId, batch: readonly UpMessage[]): void {
    this.#held.set(client, [...batch]);
  }

  /** Gives out all that is held. */
  empty(): Iterable<[ClientId, UpMessage[]]> {
    const held = this.#held;
    this.#held = new Map();
    return held;
  }

  /** A thread has ended. */
  forget(client: ClientId): void {
    this.#held.delete(client);
  }
}
