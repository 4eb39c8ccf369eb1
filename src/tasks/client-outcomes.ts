import type { ClientObjects } from "./client-objects.js";
import type { ClientReturns } from "./client-returns.js";
import type { HeldObjects } from "./owner/held-objects.js";
import type { PendingCalls } from "./pending-calls.js";
import type { Outcome } from "./protocol.js";

export interface ClientOutcomesOptions {
  readonly objects: ClientObjects;
  readonly held: HeldObjects;
  readonly pending: PendingCalls;
  readonly returns: ClientReturns;
}

/** How calls of this thread end: what they make has an outcome, here or at the node, and what was kept for them is let go. */
export class ClientOutcomes {
  readonly #objects: ClientObjects;
  readonly #held: HeldObjects;
  readonly #pending: PendingCalls;
  readonly #returns: ClientReturns;

  constructor({ objects, held, pending, returns }: ClientOutcomesOptions) {
    this.#objects = objects;
    this.#held = held;
    this.#pending = pending;
    this.#returns = returns;
  }

  /** A result has come for a pending object, or it is clear that none will. */
  settle(number: number, outcome: Outcome): void {
    if (this.#pending.size > 0) this.#pending.ended(number);
    const parts = this.#returns.holds ? this.#returns.letGo(number) : undefined;
    if (parts !== undefined) {
      // It was refused: what goes by the node is settled there.
      for (const part of parts) this.settle(part, outcome);
      this.#returns.streams.receive({ type: "streamEnd", task: this.#objects.base + number, failed: true });
    }
    this.#held.ended(number);
    this.#objects.settle(number, outcome);
  }

  /** An actor has given the outcome of a call to the node. */
  deposited(number: number): void {
    this.#pending.ended(number);
    this.move(number);
  }

  /** The outcome of a pending object is with the node, or will be. */
  move(number: number): void {
    for (const part of (this.#returns.holds && this.#returns.letGo(number)) || []) this.move(part);
    this.#objects.move(number);
    this.#held.ended(number);
  }
}
