import type { CallSource, IncomingCall } from "./caller-lines.js";
import { Queue } from "./scheduler/queue.js";

/** The concurrency groups of an actor: how many calls of each are under way, and those that wait for others of their group. */
export class CallGroups {
  readonly #limits: readonly number[];
  readonly #underWay: number[];
  readonly #waiting: readonly Queue<IncomingCall>[];

  /** `limits` says how many calls of each group may be under way, the usual group first. */
  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.#underWay = limits.map(() => 0);
    this.#waiting = limits.map(() => new Queue());
  }

  /** The next call that may begin now. One whose group is full waits aside, so that those behind it may pass it. */
  next(source: CallSource): IncomingCall | undefined {
    if (this.#limits.length === 1) return this.#underWay[0]! < this.#limits[0]! ? source.take() : undefined;
    for (let group = 0; group < this.#limits.length; group++) {
      if (this.#waiting[group]!.length > 0 && !this.#isFull(group)) return this.#waiting[group]!.shift();
    }
    for (let call = source.take(); call !== undefined; call = source.take()) {
      if (!this.#isFull(call.group)) return call;
      this.#waiting[call.group]!.push(call);
    }
    return undefined;
  }

  /** Whether no call that had come when `next` gave none is still to begin. */
  get isDrained(): boolean {
    return this.#limits.length === 1 ? !this.#isFull(0) : this.#waiting.every(({ length }) => length === 0);
  }

  /** All calls that have not begun, in no order. */
  *rest(source: CallSource): Iterable<IncomingCall> {
    for (const waiting of this.#waiting) yield* waiting;
    for (let call = source.take(); call !== undefined; call = source.take()) yield call;
  }

  /** Whether each call ends before the next one begins. */
  get isSerial(): boolean {
    return this.#limits.length === 1 && this.#limits[0] === 1;
  }

  /** Whether a call goes on that has returned. */
  get isUnderWay(): boolean {
    return this.#underWay.some((count) => count > 0);
  }

  /** A call goes on after it has returned. */
  began(group: number): void {
    this.#underWay[group]! += 1;
  }

  /** Such a call has ended. */
  ended(group: number): void {
    this.#underWay[group]! -= 1;
  }

  #isFull(group: number): boolean {
    return this.#underWay[group]! >= this.#limits[group]!;
  }
}
