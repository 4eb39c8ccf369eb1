import { type OwnedObjects, objectState, type Waiter } from "./owned-objects.js";

/**
 * Waits until `needed` of some objects are pending no more, or, where `failFast`, until one has failed. Objects of the node
 * are told of by `settled`, too.
 */
export class Gathering implements Waiter {
  readonly #owned: OwnedObjects;
  readonly #failFast: boolean;
  #needed: number;
  #failed = false;
  #done: (() => void) | undefined;

  constructor(owned: OwnedObjects, needed: number, failFast: boolean) {
    this.#owned = owned;
    this.#needed = needed;
    this.#failFast = failFast;
  }

  /** Waits for one object more. */
  add(number: number): void {
    this.#needed += 1;
    this.#owned.wait(number, this);
  }

  /** Whether some of them are pending still. */
  get isOpen(): boolean {
    return this.#needed > 0;
  }

  /** Waits for none of these any more. */
  leave(numbers: Iterable<number>): void {
    for (const number of numbers) this.#owned.unwait(number, this);
  }

  /** Resolves when there is nothing more to wait for. */
  finished(): Promise<void> {
    if (this.isFinished) return Promise.resolve();
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  settled(number: number): void {
    this.#needed -= 1;
    if (this.#failFast && this.#owned.stateOf(number) === objectState.failure) this.#failed = true;
    if (!this.isFinished) return;
    if (this.#done === undefined) return;
    this.#owned.answered += 1;
    this.#done();
    this.#done = undefined;
  }

  /** Whether one of them failed, and that was to end it. */
  get hasFailed(): boolean {
    return this.#failed;
  }

  /** Whether there is nothing more to wait for. */
  get isFinished(): boolean {
    return this.#needed <= 0 || this.#failed;
  }
}
