import type { CallList } from "../call-list.js";
import type { Failure } from "../failure.js";
import { type ResolvedArgument, ResultOf, type StoredAt } from "../rings/words.js";
import type { ClientId } from "../scheduler/events.js";
import { Queue } from "../scheduler/queue.js";
import { Dependency, type OwnArgument } from "./dependency.js";
import { type OwnedObjects, objectState, type Waiter } from "./owned-objects.js";
import { Submissions } from "./submissions.js";

/** How many calls are put up before their arguments are there. */
const chainLimit = 256;

export interface WaitingCallsOptions {
  /** The arguments of a call are there: they are values, or at the node. */
  place(call: Dependent): void;
  /** An argument of a call is a failure. */
  refuse(call: Dependent, failure: Failure): void;
  /** An argument of a call is the value of an object of this thread that the node has; it is held until the call has ended. */
  storedAt(call: number, number: number): StoredAt;
}

/**
 * The calls of this thread whose arguments are results of its others: they wait for these, or, in a chain of calls, are
 * put up before they are there.
 */
export class WaitingCalls {
  /** Whether calls are put up early. */
  chains = true;
  readonly #owned: OwnedObjects;
  readonly #submissions: Submissions;
  readonly #options: WaitingCallsOptions;
  /** Calls that wait for an argument, or were put up before it was there. */
  readonly #dependents = new Map<number, Dependent>();
  /** Those that wait and may be put up early, oldest first. */
  readonly #chainable = new Queue<Dependent>();
  #chained = 0;

  constructor(owned: OwnedObjects, submissions: Submissions, options: WaitingCallsOptions) {
    this.#owned = owned;
    this.#submissions = submissions;
    this.#options = options;
  }

  /** How many there are. */
  get size(): number {
    return this.#dependents.size;
  }

  /** A call waits for what its dependencies stand for; where all that is there, it does not. */
  add(number: number, callee: number, args: OwnArgument[], parent: number, submitted: number): void {
    const dependent = new Dependent(this, number, callee, args, parent, submitted);
    for (const argument of args) {
      if (!(argument instanceof Dependency)) continue;
      const state = this.#owned.stateOf(argument.number);
      if (state === objectState.failure) {
        this.#options.refuse(dependent, this.#owned.failureOf(argument.number));
        return;
      }
      if (dependent.missing.has(argument.number)) continue;
      dependent.missing.add(argument.number);
    }
    if (dependent.missing.size === 0) {
      this.#options.place(dependent);
      return;
    }
    this.#dependents.set(number, dependent);
    dependent.mayChain = this.chains && this.#mayChain(dependent);
    if (dependent.mayChain) {
      if (this.#chain(dependent)) return;
      this.#chainable.push(dependent);
    }
    for (const missing of dependent.missing) this.#owned.wait(missing, dependent);
  }

  /** An argument of a waiting call has its outcome. */
  resolved(dependent: Dependent, number: number): void {
    if (this.#dependents.get(dependent.number) !== dependent || dependent.chained) return;
    if (!dependent.missing.has(number)) return;
    const state = this.#owned.stateOf(number);
    if (state === objectState.value || state === objectState.away) {
      dependent.fill(number, this.#filling(dependent, number, state));
      if (dependent.missing.size > 0) return;
      this.#dependents.delete(dependent.number);
      this.#options.place(dependent);
      return;
    }
    this.#dependents.delete(dependent.number);
    this.#options.refuse(dependent, this.#owned.failureOf(number));
  }

  /** A call that was put up early came back: it waits for what is not here yet. */
  bounced(number: number): void {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined) return;
    for (const missing of [...dependent.missing]) {
      const state = this.#owned.stateOf(missing);
      if (state === objectState.value || state === objectState.away) {
        dependent.fill(missing, this.#filling(dependent, missing, state));
      } else if (state === objectState.failure) {
        const failure = this.#owned.failureOf(missing);
        this.#unchain(number);
        this.#options.refuse(dependent, failure);
        return;
      } else if (state === objectState.pending) this.#owned.wait(missing, dependent);
    }
    dependent.chained = false;
    this.#chained -= 1;
    if (dependent.missing.size === 0) {
      this.#dependents.delete(number);
      this.#options.place(dependent);
    } else this.#chainable.push(dependent);
    // Only now: what it needs is held by whoever it was given to.
    for (const pinned of dependent.pinned) this.#owned.unpin(pinned);
  }

  /** A call has ended, or is with the node. */
  ended(number: number): void {
    if (this.#chained > 0) this.#unchain(number);
  }

  /** Takes a call back that was not put up. */
  withdraw(number: number): Dependent | undefined {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined || dependent.chained) return undefined;
    this.#dependents.delete(number);
    return dependent;
  }

  /** The numbers of the calls that a task submitted. */
  *childrenOf(parent: number): Iterable<number> {
    for (const dependent of this.#dependents.values()) if (dependent.parent === parent) yield dependent.number;
  }

  /** The numbers of what a call waits for. */
  needsOf(number: number): Iterable<number> {
    return this.#dependents.get(number)?.missing ?? [];
  }

  /** Lists those that were not put up. */
  look(list: CallList, owner: ClientId): void {
    for (const { number, calleeNumber: callee, parent, submitted, chained } of this.#dependents.values()) {
      if (!chained) list.add({ owner, number, callee, parent, submitted, attempt: 0, actor: 0, started: 0 });
    }
  }

  /** Puts up early what can be, after results have come. */
  pump(): void {
    if (this.#chainable.length > 0) this.#extendChain();
    else if (this.#chained > 0) this.#submissions.nudge();
  }

  /** What stands in a call for a result of this thread that has come. */
  #filling({ number: call }: Dependent, number: number, state: number): ResolvedArgument {
    return state === objectState.value ? this.#owned.valueOf(number) : this.#options.storedAt(call, number);
  }

  /** Whether what a call waits for will be made by calls on this thread's board: an actor's calls are on none. */
  #mayChain(dependent: Dependent): boolean {
    for (const number of dependent.missing) {
      if (this.#owned.isOfActor(number) || this.#dependents.get(number)?.mayChain === false) return false;
    }
    return true;
  }

  /**
   * Puts a call up before its arguments are there, if they are results of calls that are up themselves: the worker that
   * runs those has them at hand, any other gives it back. Not too many at once, as giving back costs something, too.
   */
  #chain(dependent: Dependent): boolean {
    if (!this.chains || this.#chained >= chainLimit) return false;
    for (const number of dependent.missing) {
      const other = this.#dependents.get(number);
      if ((other !== undefined && !other.chained) || this.#owned.stateOf(number) !== objectState.pending) return false;
    }
    const { number, calleeNumber, parent, submitted } = dependent;
    const args = dependent.args.map((argument) =>
      argument instanceof Dependency ? new ResultOf(argument.number) : argument,
    );
    const length = Submissions.lengthOf(args);
    if (length === undefined) return false;
    dependent.chained = true;
    this.#chained += 1;
    dependent.pinned = [...dependent.missing];
    for (const pinned of dependent.pinned) this.#owned.pin(pinned);
    this.#submissions.submit(length, number, calleeNumber, parent, submitted, args, true);
    return true;
  }

  /** A call that was put up early is up no more. */
  #unchain(number: number): void {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined || !dependent.chained) return;
    this.#dependents.delete(number);
    dependent.chained = false;
    this.#chained -= 1;
    for (const pinned of dependent.pinned) this.#owned.unpin(pinned);
  }

  /** Puts up early what can be now, in the order in which it was submitted. */
  #extendChain(): void {
    const room = this.#chained <= chainLimit / 2;
    for (let next = this.#chainable.peek(); room && next !== undefined; next = this.#chainable.peek()) {
      const waits = this.#dependents.get(next.number) === next && !next.chained;
      if (waits && !this.#chain(next)) break;
      this.#chainable.shift();
    }
    if (this.#chained > 0) this.#submissions.nudge();
  }
}

/** A call that waits for results of this thread. */
export class Dependent implements Waiter {
  readonly number: number;
  readonly calleeNumber: number;
  readonly args: OwnArgument[];
  readonly parent: number;
  readonly submitted: number;
  /** Arguments that are not filled in. */
  readonly missing = new Set<number>();
  /** Whether the call may be put up early. */
  mayChain = false;
  /** Whether it was, and what is kept for it then. */
  chained = false;
  pinned: readonly number[] = [];
  readonly #calls: WaitingCalls;

  constructor(
    calls: WaitingCalls,
    number: number,
    calleeNumber: number,
    args: OwnArgument[],
    parent: number,
    submitted: number,
  ) {
    this.#calls = calls;
    this.number = number;
    this.calleeNumber = calleeNumber;
    this.args = args;
    this.parent = parent;
    this.submitted = submitted;
  }

  settled(number: number): void {
    this.#calls.resolved(this, number);
  }

  /** An argument is there. */
  fill(number: number, value: ResolvedArgument): void {
    const { args } = this;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (argument instanceof Dependency && argument.number === number) args[i] = value;
    }
    this.missing.delete(number);
  }
}
