import { RayflightError } from "../error.js";
import type { MethodTarget } from "./actor-handle.js";
import type { ActorId } from "./scheduler/events.js";

/** Counts the calls of this thread that have not ended, for actors that allow only so many. */
export class PendingCalls {
  readonly #actors = new Map<number, ActorId>();
  readonly #counts = new Map<ActorId, number>();

  /** How many calls are counted. */
  get size(): number {
    return this.#actors.size;
  }

  has(number: number): boolean {
    return this.#actors.has(number);
  }

  /** Throws PENDING_CALLS_LIMIT when one call more would be too many. */
  check({ actor, name, maxPendingCalls }: MethodTarget): void {
    const pending = this.#counts.get(actor) ?? 0;
    if (pending < maxPendingCalls) return;
    throw new RayflightError(
      "PENDING_CALLS_LIMIT",
      `${name} was not called: ${pending} calls of its actor are pending.`,
      {
        hint: "Get the results of earlier calls first, or raise maxPendingCalls.",
      },
    );
  }

  begin(number: number, actor: ActorId): void {
    this.#actors.set(number, actor);
    this.#counts.set(actor, (this.#counts.get(actor) ?? 0) + 1);
  }

  ended(number: number): void {
    const actor = this.#actors.get(number);
    if (actor === undefined) return;
    this.#actors.delete(number);
    this.#counts.set(actor, this.#counts.get(actor)! - 1);
  }
}
