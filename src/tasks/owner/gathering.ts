import { type OwnedObjects, objectState, type Waiter } from "./owned-objects.js";

/**
 * Waits until `needed` of some objects are pending no more, or, where `failFast`, until one has failed. Objects of the node
 * are told of by `settled`, too.
 */
export class Gathering implements Waiter {
  readonly #owned: OwnedObjects;
  readonly #failFast: boolean;
  #needed: number;
  #done: (() => void) | undefined;

  constructor(owned: OwnedObjects, needed: number, failFast: boolean) {
    this.#owned = owned;
    this.#needed = needed;
    this.#failFast = failFast;
  }

  /** Resolves when there is nothing more to wait for. */
  finished(): Promise<void> {
    if (this.#needed <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  settled(number: number): void {
    this.#needed -= 1;
    if (this.#needed <= 0 || (this.#failFast && this.#owned.stateOf(number) === objectState.failure)) this.#finish();
  }

  #finish(): void {
    this.#done?.();
    this.#done = undefined;
  }
}
