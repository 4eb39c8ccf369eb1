import type { CallList } from "./call-list.js";
import type { Callee } from "./callee.js";
import type { ResolvedArgument } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/** A call that a task of this thread submitted and that was not put up for others. */
export interface LocalCall {
  readonly number: number;
  readonly calleeNumber: number;
  readonly callee: Callee;
  readonly args: ResolvedArgument[];
  readonly parent: TaskId;
  readonly submitted: number;
  readonly attempt: number;
}

/** Where calls go that others may run. */
export interface PublicCalls {
  /** Puts a call up on this thread's board. */
  putUp(call: Omit<LocalCall, "callee">): void;
  /** Whether another worker has nothing to do. */
  readonly someoneIdles: boolean;
}

/** What runs on this thread of the calls that were not put up. */
export interface RunningLocally {
  /** Runs a call of this thread that nobody has taken, on top of what runs now; returns whether it did. */
  run(number: number): boolean;
  cancel(task: TaskId, recursive: boolean): void;
  cancelChildren(parent: TaskId): void;
}

/** Calls that are less work than this in all are not worth another thread's waking up. */
const shareMilliseconds = 0.1;

/**
 * What the tasks of a worker submit, as long as it is better run there: a stack, so that a tree of calls is walked depth
 * first, in little memory. The oldest calls, which mostly stand for the most work, go to the board when another worker
 * idles and there is enough for two. Nothing of it is in shared memory: it ends with its thread, as its owner does.
 */
export class LocalCalls {
  readonly #calls: LocalCall[] = [];
  readonly #calleeOf: (callee: number) => Callee | undefined;
  readonly #board: PublicCalls;
  readonly #consider: () => void;
  /** The first one that was not given away. */
  #oldest = 0;
  #milliseconds = 0;
  #considering = false;

  /** `consider` is called on the microtask after calls were kept. */
  constructor(calleeOf: (callee: number) => Callee | undefined, board: PublicCalls, consider: () => void) {
    this.#calleeOf = calleeOf;
    this.#board = board;
    this.#consider = consider;
  }

  /** Keeps a call if its function is known here; returns whether it did. */
  keep(
    number: number,
    calleeNumber: number,
    args: ResolvedArgument[],
    parent: TaskId,
    submitted: number,
    attempt = 1,
  ): boolean {
    const callee = this.#calleeOf(calleeNumber);
    if (callee?.loaded === undefined) return false;
    this.#calls.push({ number, calleeNumber, callee, args, parent, submitted, attempt });
    this.#milliseconds += callee.cost;
    if (!this.#considering) {
      this.#considering = true;
      queueMicrotask(() => {
        this.#considering = false;
        this.share();
        this.#consider();
      });
    }
    return true;
  }

  get top(): LocalCall | undefined {
    return this.#calls.length > this.#oldest ? this.#calls.at(-1) : undefined;
  }

  /** Takes the newest. */
  pop(): LocalCall | undefined {
    if (this.#calls.length === this.#oldest) return undefined;
    const call = this.#calls.pop()!;
    this.#milliseconds = Math.max(0, this.#milliseconds - call.callee.cost);
    if (this.#calls.length === this.#oldest) this.#clear();
    return call;
  }

  /** Gives the older half of the work away if that is worth it and somebody idles. */
  share(): void {
    if (this.#milliseconds < shareMilliseconds || this.#calls.length - this.#oldest < 2) return;
    if (this.#board.someoneIdles) this.#give(this.#milliseconds / 2);
  }

  /** Gives all away. */
  giveAway(): void {
    this.#give(Number.NEGATIVE_INFINITY);
  }

  /** Takes back a call that did not begin; returns whether it was here. */
  withdraw(number: number): LocalCall | undefined {
    if (this.top?.number === number) return this.pop();
    const at = this.#calls.findLastIndex((call, i) => i >= this.#oldest && call.number === number);
    if (at < 0) return undefined;
    this.#milliseconds = Math.max(0, this.#milliseconds - this.#calls[at]!.callee.cost);
    return this.#calls.splice(at, 1)[0];
  }

  /** The calls that a task submitted and that did not begin. */
  *childrenOf(parent: TaskId): Iterable<number> {
    for (let i = this.#oldest; i < this.#calls.length; i++) {
      if (this.#calls[i]!.parent === parent) yield this.#calls[i]!.number;
    }
  }

  /** Lists the calls. */
  look(list: CallList, owner: ClientId): void {
    for (const { number, calleeNumber: callee, parent, submitted, attempt } of this.#calls.slice(this.#oldest)) {
      list.add({ owner, number, callee, parent, submitted, attempt: attempt - 1, actor: 0, started: 0 });
    }
  }

  get size(): number {
    return this.#calls.length - this.#oldest;
  }

  #give(keptMilliseconds: number): void {
    while (this.#oldest < this.#calls.length && this.#milliseconds > keptMilliseconds) {
      const call = this.#calls[this.#oldest]!;
      this.#milliseconds -= call.callee.cost;
      this.#calls[this.#oldest] = undefined as never;
      this.#oldest += 1;
      this.#board.putUp(call);
    }
    if (this.#calls.length === this.#oldest) this.#clear();
  }

  #clear(): void {
    this.#calls.length = 0;
    this.#oldest = 0;
    this.#milliseconds = 0;
  }
}
