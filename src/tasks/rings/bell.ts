import { performance } from "node:perf_hooks";

/** How a thread is woken: one word that others count up, and one that says whether it sleeps. */
const sequence = 0;
const sleeping = 1;
/** Words 16 to 19 are its permit's: `permit.ts`. */
export const permitWord = 16;
export const busyWord = 17;
export const turnWord = 18;
export const quickWord = 19;
/** Counts the kibibytes of shared memory that came from the thread and that the node has counted or refused. */
export const acceptedWord = 24;
const stopped = 25;
const wordCount = 32;

/** The words of one thread. The node thread makes them and gives them to everybody who talks with that thread. */
export function createThreadWords(): SharedArrayBuffer {
  return new SharedArrayBuffer(wordCount * 4);
}

/**
 * Another thread's bell. Rule: write what it should see first, then ring. A thread that is awake costs one addition; only
 * one that sleeps is woken by the system.
 */
export class Bell {
  readonly #words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.#words = new Int32Array(words);
  }

  ring(): void {
    Atomics.add(this.#words, sequence, 1);
    // Who takes the flag wakes it: others need not. Should its thread end in between, the node wakes everybody.
    if (Atomics.exchange(this.#words, sleeping, 0) === 1) Atomics.notify(this.#words, sequence);
  }

  /** Whether the thread may take calls and runs none: then it must be summoned for a new call; one that runs some looks by itself. */
  get idles(): boolean {
    return Atomics.load(this.#words, busyWord) === 0 && Atomics.load(this.#words, permitWord) > 0;
  }

  /** Whether the thread runs one short call after the other, and so will soon take the next ones. */
  get isQuick(): boolean {
    const words = this.#words;
    // With a permit: one that is woken without has the word of its last bundle.
    return (
      Atomics.load(words, busyWord) === 1 &&
      Atomics.load(words, sleeping) === 0 &&
      Atomics.load(words, quickWord) === 1 &&
      Atomics.load(words, permitWord) > 0
    );
  }

  /** Takes a worker that idles for a call that was shown, and rings it; returns false when it does not, or another took it. */
  summon(): boolean {
    const words = this.#words;
    if (Atomics.load(words, permitWord) <= 0 || Atomics.compareExchange(words, busyWord, 0, 1) !== 0) return false;
    this.ring();
    return true;
  }

  /** Rings if the thread stands still, where it sees no message by itself. Call it after the message was posted. */
  ringIfStopped(): void {
    if (Atomics.load(this.#words, stopped) === 1) this.ring();
  }

  /** Wakes the thread, whatever its words say. */
  wake(): void {
    Atomics.add(this.#words, sequence, 1);
    Atomics.notify(this.#words, sequence);
  }
}

/** Looks so often at most whether somebody rang. On its own, as V8 compiles what loops: that of each thread anew. */
function spin(words: Int32Array, seen: number, times: number): void {
  for (let i = times; i > 0 && Atomics.load(words, sequence) === seen; i--);
}

/** Who slept and answered within this time looks for a moment before it sleeps again; others sleep at once. */
const quickMilliseconds = 0.25;

/** A stopped thread looks this often, though nobody should ever forget to ring. */
const sliceMilliseconds = 100;

type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { async: boolean; value: Promise<string> | string };
const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync };

/**
 * A thread's own bell. It calls `answer` when it was rung, never in parallel; what arrives while it answers makes it answer
 * again. It does not keep the thread alive.
 */
export class OwnBell {
  readonly #words: Int32Array;
  readonly #answer: () => void;
  #listening = false;
  #closed = false;
  /** How often it looks at its counter before it sleeps: to be woken by the system takes longer than a short call. */
  looks = 0;

  constructor(words: SharedArrayBuffer, answer: () => void) {
    this.#words = new Int32Array(words);
    this.#answer = answer;
  }

  /** From now on, answers. May be called twice. */
  listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    void this.#loop();
  }

  /** Makes itself answer once more. */
  wake(): void {
    Atomics.add(this.#words, sequence, 1);
    Atomics.notify(this.#words, sequence);
  }

  /**
   * Stops this thread until `look` says that there is what it waits for; returns false when the time `until`, of
   * `performance.now()`, has come before. It looks whenever it was rung.
   */
  stop(look: () => boolean, until: number): boolean {
    const words = this.#words;
    Atomics.store(words, stopped, 1);
    try {
      for (;;) {
        const seen = Atomics.load(words, sequence);
        if (look()) return true;
        const left = until - performance.now();
        if (left <= 0) return false;
        spin(words, seen, this.looks);
        Atomics.store(words, sleeping, 1);
        Atomics.wait(words, sequence, seen, Math.min(left, sliceMilliseconds));
        Atomics.store(words, sleeping, 0);
      }
    } finally {
      Atomics.store(words, stopped, 0);
      // The loop below may sleep, and its flag was taken here.
      this.wake();
    }
  }

  close(): void {
    this.#closed = true;
    Atomics.add(this.#words, sequence, 1);
    Atomics.notify(this.#words, sequence);
  }

  /**
   * Reads the counter before it answers and sleeps only while nobody counted since: whoever wrote something and rang
   * after that finds either the flag up, and wakes it, or the counter changed.
   */
  async #loop(): Promise<void> {
    let last = 0;
    for (;;) {
      const seen = Atomics.load(this.#words, sequence);
      if (this.#closed) return;
      this.#answer();
      const now = performance.now();
      if (now - last < quickMilliseconds) spin(this.#words, seen, this.looks);
      last = now;
      Atomics.store(this.#words, sleeping, 1);
      const wait = waitAsync(this.#words, sequence, seen);
      if (wait.async) await wait.value;
      Atomics.store(this.#words, sleeping, 0);
      // Rung while it answered: others on this thread get their turn before it answers again.
      if (!wait.async) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }
}
