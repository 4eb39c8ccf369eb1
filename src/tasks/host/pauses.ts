import type { ActorId } from "../scheduler/events.js";

/** So often in a row an actor is made anew at once whose thread ended before its constructor had returned. */
const free = 3;

export interface PauseLimits {
  readonly firstMilliseconds: number;
  readonly longestMilliseconds: number;
}
const usual: PauseLimits = { firstMilliseconds: 50, longestMilliseconds: 1000 };

/**
 * Actors whose constructors end their threads would be made anew as fast as threads start: after three times in a row, there is
 * a pause before the next, which doubles up to a second. A constructor that returns ends the series.
 */
export class Pauses {
  readonly #rested: (actor: ActorId) => void;
  readonly #limits: PauseLimits;
  readonly #series = new Map<ActorId, number>();
  readonly #timers = new Map<ActorId, NodeJS.Timeout>();

  /** `rested` is told when a pause is over. */
  constructor(rested: (actor: ActorId) => void, limits = usual) {
    this.#rested = rested;
    this.#limits = limits;
  }

  /** An actor ended its thread before its constructor had returned. Returns whether it is to pause, which begins now. */
  begin(actor: ActorId): boolean {
    const length = (this.#series.get(actor) ?? 0) + 1;
    this.#series.set(actor, length);
    if (length <= free) return false;
    const { firstMilliseconds, longestMilliseconds } = this.#limits;
    const milliseconds = Math.min(firstMilliseconds * 2 ** (length - free - 1), longestMilliseconds);
    const timer = setTimeout(() => {
      this.#timers.delete(actor);
      this.#rested(actor);
    }, milliseconds);
    this.#timers.set(actor, timer);
    return true;
  }

  /** Its constructor has returned, or it is dead. */
  end(actor: ActorId): void {
    this.#series.delete(actor);
    clearTimeout(this.#timers.get(actor));
    this.#timers.delete(actor);
  }

  /** Ends all pauses, of which nobody is told. */
  close(): void {
    for (const actor of [...this.#series.keys()]) this.end(actor);
  }
}
