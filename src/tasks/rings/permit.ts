import { busyWord, permitWord as permit, quickWord, turnWord } from "./bell.js";

/**
 * Whether a CPU worker may take calls from boards: the node's side. The node writes the permit and reads `busy`; the worker
 * reads the permit and writes `busy`, each its own word first. So after `revoke`, either the node sees that the worker is
 * at rest, or the worker sees that it must rest, and says so by message with the number of the permit.
 *
 * A permit may be for a turn: then the worker revokes it itself when the turn is over, the one case in which it writes that
 * word. It does so by compare-and-exchange, as the node may do the same.
 */
export class PermitOffice {
  readonly #words: Int32Array;
  #number = 0;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  /** The worker may take calls, for so long or until `revoke`. The caller rings its bell. */
  grant(milliseconds = 0): void {
    this.#number += 1;
    // In microseconds, and never 0 for a turn.
    Atomics.store(this.#words, turnWord, Math.min(Math.ceil(milliseconds * 1000), 2 ** 31 - 1));
    Atomics.store(this.#words, permit, this.#number);
  }

  /** The worker must take no more; returns whether it is at rest already. */
  revoke(): boolean {
    Atomics.store(this.#words, permit, -this.#number);
    return Atomics.load(this.#words, busyWord) === 0;
  }

  /** Whether the worker has a permit and nothing to do. */
  get idle(): boolean {
    return Atomics.load(this.#words, permit) > 0 && !this.busy;
  }

  /** Whether the worker runs something, with its permit or with one that was revoked meanwhile. */
  get busy(): boolean {
    return Atomics.load(this.#words, busyWord) !== 0;
  }

  /** Whether the worker's message is about the newest permit. */
  isNewest(number: number): boolean {
    return number === this.#number;
  }
}

/** The worker's side of its permit. */
export class Permit {
  readonly #words: Int32Array;
  /** The last permit that was for a turn, and when that is over. */
  #turn = 0;
  #until = 0;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  /** Begins to work if that is permitted. */
  begin(): boolean {
    Atomics.store(this.#words, busyWord, 1);
    return this.granted;
  }

  /** Whether the permit is for a turn, which begins when this is first asked. */
  get isTurn(): boolean {
    const turn = Atomics.load(this.#words, turnWord);
    if (turn === 0) return false;
    const number = Atomics.load(this.#words, permit);
    if (number !== this.#turn && number > 0) {
      this.#turn = number;
      this.#until = performance.now() + turn / 1000;
    }
    return number === this.#turn;
  }

  /** Of a permit for a turn: whether the time is up. */
  get isOver(): boolean {
    return performance.now() > this.#until;
  }

  /** Ends a turn. */
  give(): void {
    Atomics.compareExchange(this.#words, permit, this.#turn, -this.#turn);
  }

  /** Goes on with a task that waited, instead of resting; returns whether it was summoned meanwhile, for a call it will not take. */
  resume(): boolean {
    return Atomics.exchange(this.#words, busyWord, 1) === 1;
  }

  get granted(): boolean {
    return Atomics.load(this.#words, permit) > 0;
  }

  /** Says what it runs next: calls that are known to be short, or others. */
  get quick(): boolean {
    return this.#words[quickWord] === 1;
  }

  set quick(quick: boolean) {
    this.#words[quickWord] = quick ? 1 : 0;
  }

  /** Is at rest; returns the number of the permit that was revoked, undefined when it was not. */
  rest(): number | undefined {
    Atomics.store(this.#words, busyWord, 0);
    const number = Atomics.load(this.#words, permit);
    return number < 0 ? -number : undefined;
  }
}
