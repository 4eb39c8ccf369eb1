import type { RandomStream } from "../../src/random.js";
import type { Session } from "../tasks/session.js";

/** How many threads a session may start in all. */
const mostThreads = 1 << 13;

/**
 * Ends worker threads that are busy. Tasks write down in shared memory which of them runs on which thread, so that after
 * a thread's end it is plain whether it was inside of a task.
 */
export class Killer {
  /** By thread: the number of the task that runs there, from 1; 0 between tasks. The tasks write it. */
  readonly running = new Int32Array(new SharedArrayBuffer(4 * mostThreads));
  /** Ends inside of a task that ran. */
  busy = 0;
  /** Ends that came between two tasks. */
  idle = 0;
  readonly #session: Session;
  readonly #random: RandomStream;
  readonly #ended = new Set<number>();

  constructor(session: Session, random: RandomStream) {
    this.#session = session;
    this.#random = random;
  }

  /** Ends one of the threads that run a task now; returns whether there was any. */
  async strike(): Promise<boolean> {
    const threads = this.#busyThreads();
    const thread = threads[this.#random.integer(threads.length)];
    if (thread === undefined) return false;
    this.#ended.add(thread);
    if (!(await this.#session.terminate(thread))) return false;
    if (Atomics.load(this.running, thread) !== 0) this.busy += 1;
    else this.idle += 1;
    return true;
  }

  /** Ends that tasks brought upon themselves are no longer seen as running. */
  #busyThreads(): number[] {
    const threads: number[] = [];
    for (let thread = 1; thread < mostThreads; thread++) {
      if (!this.#ended.has(thread) && Atomics.load(this.running, thread) !== 0) threads.push(thread);
    }
    return threads;
  }
}
