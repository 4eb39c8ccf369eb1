import { RandomStream } from "../../../src/random.js";

/** Thrown inside of code whose thread is ended there. */
class Ended extends Error {}

/** Something that takes steps on shared memory, as a thread would. */
export interface Thread {
  /** Whether it may be ended in the middle of a step. */
  readonly mortal: boolean;
  step(): void;
  /** It was ended. */
  ended?(): void;
}

const observed = ["load", "store", "add", "exchange", "compareExchange", "notify"] as const;
type Operation = (...args: unknown[]) => unknown;

/**
 * Runs several "threads" on this one: before each operation on shared memory that goes through Atomics, a seeded choice
 * lets others take steps first, or ends the thread that is about to do it. It is the real code that is run, and a seed
 * replays.
 */
export class Interleaver {
  readonly random: RandomStream;
  readonly threads: Thread[] = [];
  readonly #active: Thread[] = [];
  readonly #endOneIn: number;
  #calm = false;
  #turn = 0;
  /** How many threads were ended. */
  ends = 0;
  /** How many steps were taken. */
  steps = 0;
  /** Hears of each `Atomics.notify`. */
  notified: (words: Int32Array) => void = () => {};

  constructor(seed: number, endOneIn: number) {
    this.random = new RandomStream(seed, "interleave");
    this.#endOneIn = endOneIn;
  }

  /** Takes `steps` steps. */
  run(steps: number): void {
    const atomics = Atomics as unknown as Record<string, Operation>;
    const originals = observed.map((name) => atomics[name]!);
    observed.forEach((name, i) => {
      atomics[name] = (...args) => {
        this.#before();
        if (name === "notify") this.notified(args[0] as Int32Array);
        return originals[i]!(...args);
      };
    });
    try {
      for (let step = 0; step < steps; step++) this.step();
    } finally {
      observed.forEach((name, i) => {
        atomics[name] = originals[i]!;
      });
    }
  }

  /** Lets each thread take `rounds` whole steps, in turn. Nobody is ended. */
  settle(rounds: number): void {
    this.#calm = true;
    this.#turn = 0;
    this.run(rounds * this.threads.length);
    this.#calm = false;
  }

  #before(): void {
    const current = this.#active.at(-1);
    if (current === undefined) return;
    if (this.#calm) return;
    if (current.mortal && this.random.integer(this.#endOneIn) === 0) throw new Ended();
    while (this.#active.length < 4 && this.random.integer(3) === 0) this.step();
  }

  /** How many threads are in the middle of a step. */
  get depth(): number {
    return this.#active.length;
  }

  /** One step of a thread that is in no step; for what waits inside of one. */
  step(): void {
    const able = this.threads.filter((thread) => !this.#active.includes(thread));
    const thread = able[this.#calm ? this.#turn++ % able.length : this.random.integer(able.length)];
    if (thread === undefined) return;
    this.steps += 1;
    this.#active.push(thread);
    try {
      thread.step();
    } catch (reason) {
      if (!(reason instanceof Ended)) throw reason;
      this.threads.splice(this.threads.indexOf(thread), 1);
      this.ends += 1;
      thread.ended?.();
    } finally {
      this.#active.pop();
    }
  }
}
