import type { MethodTarget } from "../actor-handle.js";
import type { CallList } from "../call-list.js";
import { wallTime } from "../clock.js";
import type { Failure } from "../failure.js";
import type { CallFacts } from "../journal.js";
import type { RemoteCode } from "../live.js";
import type { LocalCall, LocalCalls, PublicCalls } from "../local-calls.js";
import type { FilledTaskOptions } from "../options.js";
import type { Outbox } from "../outbox.js";
import type { ClientMessage, ClientReply, Outcome } from "../protocol.js";
import { OwnBell } from "../rings/bell.js";
import { type CallArgument, type ResolvedArgument, ResultOf, type StoredAt } from "../rings/words.js";
import type { CodeId } from "../scheduler/events.js";
import { Queue } from "../scheduler/queue.js";
import { underWay } from "../under-way.js";
import { ActorLines, type ActorLinesOptions, type LineReply } from "./actor-lines.js";
import { Dependency, type OwnArgument } from "./dependency.js";
import { type OwnedObjects, objectState, type Waiter } from "./owned-objects.js";
import { mayRetry, Submissions } from "./submissions.js";

/** How long `lookFor` looks, and how many times it does not after it looked in vain. */
const lookMilliseconds = 0.03;
const looksSkipped = 16;
/** About 20 microseconds. */
const looksBeforeSleep = 2000;
/** How many calls are put up before their arguments are there. */
const chainLimit = 256;

/** What its thread's client does for it. */
export interface OwnCallsOptions {
  /** This thread's words. */
  readonly words: SharedArrayBuffer;
  readonly outbox: Outbox<ClientMessage>;
  /** What ids of this thread begin with. */
  readonly base: number;
  settle(number: number, outcome: Outcome): void;
  /** The node has the outcome, or will have it. */
  moved(number: number): void;
  /** The same, of a call that could be run again. */
  deposited(number: number, callee: OwnCallee, attempt: number, args: readonly (CallArgument | Dependency)[]): void;
  /** An argument of a call is the value of an object of this thread that the node has; it is held until the call has ended. */
  storedAt(call: number, number: number): StoredAt;
  /** Submits the call through the node instead, with the dependencies as references. */
  byNode(number: number, callee: OwnCallee, args: readonly OwnArgument[]): void;
  readonly lines: Pick<ActorLinesOptions, "byNode" | "placed" | "deposited">;
  /** A call with these arguments will not be sent. */
  unsent(args: readonly OwnArgument[]): void;
  codeId(code: RemoteCode): CodeId;
}

/** A function with its options, as calls name it. */
export interface OwnCallee {
  readonly code: RemoteCode;
  readonly options: FilledTaskOptions;
  readonly name: string;
  readonly maxRetries: number;
  readonly retryExceptions: boolean;
}

/** A method, as calls name it, and its full name. */
interface OwnMethod {
  readonly callee: number;
  readonly name: string;
}

/** What a method has in place of a function: it is called by name, and never put up. */
const noFunction = { code: undefined as never, options: undefined as never, maxRetries: 0, retryExceptions: false };

/** The calls of this thread that CPU workers run: those that wait for others, and those on its board. */
export class OwnCalls implements PublicCalls {
  readonly #owned: OwnedObjects;
  readonly #options: OwnCallsOptions;
  readonly #callees: OwnCallee[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #submissions: Submissions;
  /** Calls that wait for an argument, or were put up before it was there. */
  readonly #dependents = new Map<number, Dependent>();
  /** Those that wait and may be put up early, oldest first. */
  readonly #chainable = new Queue<Dependent>();
  #chained = 0;
  #patience = 0;
  readonly #bell: OwnBell;
  readonly #methods = new Map<string, Map<string, OwnMethod>>();
  #lastTarget: MethodTarget | undefined;
  #lastMethod: OwnMethod | undefined;
  readonly lines: ActorLines;
  #lastCode: RemoteCode | undefined;
  #lastOptions: FilledTaskOptions | undefined;
  #lastCallee = 0;
  #local: LocalCalls | undefined;
  #announced = false;
  #turn = 0;
  #work: () => void = () => {};

  constructor(owned: OwnedObjects, options: OwnCallsOptions) {
    this.#owned = owned;
    this.#options = options;
    this.#submissions = new Submissions(this.#callees, {
      succeeded: (number, value, attempt) => {
        if (this.#chained > 0) this.#unchain(number);
        if (attempt === 1) options.settle(number, { value });
        else this.#settleAnew(number, { value });
      },
      failed: (number, failure, callee, attempt, ran) => {
        if (this.#chained > 0) this.#unchain(number);
        if (!ran) this.#unrun(number, failure, callee, attempt, 0);
        if (attempt === 0 || (ran && attempt === 1)) options.settle(number, { failure });
        else this.#settleAnew(number, { failure });
      },
      deposited: (number, callee, attempt, args) => {
        options.deposited(number, this.#callees[callee]!, attempt, args);
        if (this.#chained > 0) this.#unchain(number);
      },
      bounced: (number) => this.#bounced(number),
      unanswered: (number, attempt) => {
        options.outbox.push({ type: "unanswered", task: options.base + number, attempt });
      },
    });
    this.lines = new ActorLines(
      owned,
      {
        meet: (actor) => {
          this.#bell.listen();
          options.outbox.push({ type: "meet", actor });
        },
        settle: options.settle,
        settleAnew: (number, outcome) => this.#settleAnew(number, outcome),
        moved: options.moved,
        ...options.lines,
        calleeFor: (actor, name) => {
          const callee = this.#callees.push({ ...noFunction, name }) - 1;
          options.outbox.push({ type: "callee", callee, code: undefined, name, retries: 0, actor });
          return callee;
        },
        unrun: ({ number, name, attempt, parent, submitted, actor, args }, failure) => {
          if (args !== undefined) options.unsent(args);
          const task = options.base + number;
          options.outbox.push({ type: "unrun", task, name, failure, attempt, parent, submitted, actor });
        },
      },
      (callee) => this.#callees[callee]!.name,
    );
    this.#bell = new OwnBell(options.words, () => {
      this.pump();
      this.#work();
    });
  }

  /** The number of a function with these options, told to the node when it is new. */
  calleeOf(code: RemoteCode, options: FilledTaskOptions): number {
    if (code === this.#lastCode && options === this.#lastOptions) return this.#lastCallee;
    const { name, maxRetries, retryExceptions } = options;
    const codeId = this.#options.codeId(code);
    // Not by identity: every time that a handle arrives in a value, its code and options are new objects.
    const key = `${codeId} ${maxRetries} ${retryExceptions} ${name}`;
    let callee = this.#numbers.get(key);
    if (callee === undefined) {
      callee = this.#callees.push({ code, options, name, maxRetries, retryExceptions }) - 1;
      this.#numbers.set(key, callee);
      this.#options.outbox.push({
        type: "callee",
        callee,
        code: codeId,
        name,
        retries: retryExceptions ? maxRetries : 0,
      });
    }
    this.#lastCode = code;
    this.#lastOptions = options;
    this.#lastCallee = callee;
    return callee;
  }

  /** A method's number and full name, told to the node when it is new. */
  methodOf(target: MethodTarget): OwnMethod {
    if (target === this.#lastTarget) return this.#lastMethod!;
    const { name, method, group } = target;
    let methods = this.#methods.get(name);
    if (methods === undefined) {
      methods = new Map();
      this.#methods.set(name, methods);
    }
    const key = group === 0 ? method : `${method} ${group}`;
    let known = methods.get(key);
    if (known === undefined) {
      const callee = this.#callees.push({ ...noFunction, name }) - 1;
      known = { callee, name };
      methods.set(key, known);
      this.#options.outbox.push({ type: "callee", callee, code: undefined, name, retries: 0 });
    }
    this.#lastTarget = target;
    this.#lastMethod = known;
    return known;
  }

  /** When what is submitted in this turn was submitted. */
  get now(): number {
    if (this.#turn === 0) this.#beginTurn();
    return this.#turn;
  }

  /** Puts a call up, or lets it wait for its arguments. Its object is pending. */
  submit(number: number, callee: number, args: OwnArgument[], parent: number): void {
    if (!this.#announced) this.#announce();
    if (this.#turn === 0) this.#beginTurn();
    const dependent = new Dependent(this, number, callee, args, parent, this.#turn);
    for (const argument of args) {
      if (!(argument instanceof Dependency)) continue;
      const state = this.#owned.stateOf(argument.number);
      if (state === objectState.failure) {
        this.#refuse(dependent, this.#owned.failureOf(argument.number));
        return;
      }
      if (dependent.missing.has(argument.number)) continue;
      dependent.missing.add(argument.number);
    }
    if (dependent.missing.size === 0) {
      this.#place(dependent);
      return;
    }
    this.#dependents.set(number, dependent);
    if (this.#chain(dependent)) return;
    if (this.#local === undefined) this.#chainable.push(dependent);
    for (const missing of dependent.missing) this.#owned.wait(missing, dependent);
  }

  /** Puts up a call whose arguments are values: the fast way. */
  submitValues(number: number, callee: number, args: ResolvedArgument[], parent: number): void {
    if (!this.#announced) this.#announce();
    if (this.#turn === 0) this.#beginTurn();
    this.#put(number, callee, args, parent, this.#turn);
  }

  /** From now on, calls that are better run on this thread go to `local`. */
  keepIn(local: LocalCalls): void {
    this.#local = local;
  }

  /** Puts a kept call up for others. */
  putUp({ number, calleeNumber, args, parent, submitted, attempt }: Omit<LocalCall, "callee">): void {
    const length = Submissions.lengthOf(args);
    if (length === undefined) this.#options.byNode(number, this.#callees[calleeNumber]!, args);
    else this.#submissions.submit(length, number, calleeNumber, parent, submitted, args, false, attempt);
  }

  /** A kept call has ended; without an outcome, that is with the node. */
  answer(call: LocalCall, outcome: Outcome | undefined): void {
    const { number, calleeNumber, attempt, args } = call;
    if (outcome === undefined) this.#options.deposited(number, this.#callees[calleeNumber]!, attempt, args);
    else if (!("failure" in outcome && this.#retry(call))) this.#options.settle(number, outcome);
  }

  /** Keeps a call that failed once more, if its function is to be tried again; returns whether it did. */
  #retry({ number, calleeNumber, args, parent, submitted, attempt }: LocalCall): boolean {
    const callee = this.#callees[calleeNumber]!;
    if (!callee.retryExceptions || !mayRetry(callee, attempt)) return false;
    return this.#local!.keep(number, calleeNumber, args, parent, submitted, attempt + 1);
  }

  /** Whether another worker has nothing to do. */
  get someoneIdles(): boolean {
    return this.#submissions.someoneIdles(this.#options.base / 2 ** 32);
  }

  #put(number: number, callee: number, args: ResolvedArgument[], parent: number, submitted: number): void {
    if (this.#local?.keep(number, callee, args, parent, submitted)) return;
    const length = Submissions.lengthOf(args);
    if (length === undefined) this.#options.byNode(number, this.#callees[callee]!, args);
    else this.#submissions.submit(length, number, callee, parent, submitted, args);
  }

  /** Takes a call back that did not begin; returns whether that was so. */
  cancel(number: number): boolean {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined || dependent.chained) {
      const kept = this.#local?.withdraw(number);
      if (kept === undefined) return this.#submissions.cancel(number);
      this.#cancelled(number, kept.calleeNumber, kept.parent);
      return true;
    }
    this.#dependents.delete(number);
    this.#cancelled(number, dependent.callee, dependent.parent);
    return true;
  }

  /** The numbers of the calls that a task submitted and that have no result yet. */
  childrenOf(parent: number): number[] {
    const waiting = [...this.#dependents.values()].filter((dependent) => dependent.parent === parent);
    const numbers = waiting.map(({ number }) => number);
    const kept = this.#local?.childrenOf(parent) ?? [];
    return [
      ...new Set([...numbers, ...kept, ...this.#submissions.childrenOf(parent), ...this.lines.childrenOf(parent)]),
    ];
  }

  #cancelled(number: number, callee: number, parent: number): void {
    const failure = this.#submissions.withdrawn(callee);
    this.#unrun(number, failure, callee, 0, parent);
    this.#options.settle(number, { failure });
  }

  receive(reply: (ClientReply & { type: "claimer" | "ended" | "stranded" }) | LineReply): void {
    if ("actor" in reply) this.lines.receive(reply);
    else if (reply.type === "claimer") this.#submissions.meet(reply.worker, reply.results, reply.words);
    else if (reply.type === "ended") {
      this.lines.ended(reply.worker);
      this.#submissions.ended(reply.worker, reply.reason, reply.onPurpose);
    } else {
      this.#submissions.strand(reply.reason);
      // The next call asks for workers again.
      this.#announced = false;
    }
  }

  /** Reads the results that have come. */
  pump(): void {
    this.#submissions.pump();
    this.lines.pump();
    if (this.#chainable.length > 0) this.#extendChain();
    else if (this.#chained > 0) this.#submissions.nudge();
  }

  /**
   * Looks for results until `done` or for a moment: a short call is over before a thread that sleeps would have been
   * woken. Where that was in vain, it is tried less often.
   */
  lookFor(done: () => boolean): boolean {
    if (this.#patience < 0 && ++this.#patience < 0) return false;
    this.flush();
    const until = performance.now() + lookMilliseconds;
    do {
      this.pump();
      if (done()) {
        this.#patience = 0;
        return true;
      }
    } while (performance.now() < until);
    this.#patience = -looksSkipped;
    return false;
  }

  /** Shows others now what was submitted in this turn. */
  flush(): void {
    this.#submissions.flush();
    this.lines.flush();
  }

  /** Stops this thread, as `OwnBell.stop`: what comes is taken and what was submitted is sent each time before it looks. */
  stop(receive: () => void, look: () => boolean, until: number): boolean {
    return this.#bell.stop(() => {
      receive();
      this.pump();
      this.flush();
      this.#options.outbox.flush();
      return look();
    }, until);
  }

  /** Takes a call back from the board that nobody has taken, if its callee is accepted. */
  takeBack(
    number: number,
    accepts: (callee: number) => boolean,
  ): (CallFacts & { args: ResolvedArgument[] }) | undefined {
    return this.#submissions.takeBack(number, accepts);
  }

  /** What a call waits for. */
  needsOf(number: number): readonly number[] {
    return [...(this.#dependents.get(number)?.missing ?? [])];
  }

  nameOf(callee: number): string {
    return this.#callees[callee]!.name;
  }

  /** The code of a callee; undefined for a method. */
  codeOf(callee: number): CodeId | undefined {
    const code = this.#callees[callee]?.code;
    return code === undefined ? undefined : this.#options.codeId(code);
  }

  /** Calls `work` whenever this thread is rung, which has nothing else to do. */
  onRing(work: () => void): void {
    this.#work = work;
    this.#bell.looks = looksBeforeSleep;
    this.#bell.listen();
  }

  /** Makes this thread look again, soon. */
  wake(): void {
    this.#bell.wake();
  }

  /** Lists the calls of this thread that have not ended and are not on its board, and those that it runs. */
  look(list: CallList): void {
    const owner = this.#options.base / 2 ** 32;
    for (const { number, callee, parent, submitted, chained } of this.#dependents.values()) {
      if (!chained) list.add({ owner, number, callee, parent, submitted, attempt: 0, actor: 0, started: 0 });
    }
    this.#submissions.look(list, owner);
    this.#local?.look(list, owner);
    this.lines.look(list, owner);
    for (const { call, caller, began } of underWay) {
      const { number, calleeNumber: callee, parent, submitted, attempt } = call;
      list.add({ owner: caller, number, callee, parent, submitted, attempt, actor: 0, started: began });
    }
  }

  load(): { waiting: number; running: number; words: number } {
    return {
      words: this.#submissions.words,
      waiting: this.#dependents.size,
      running: this.#submissions.size + (this.#local?.size ?? 0) + this.lines.size,
    };
  }

  close(): void {
    this.#bell.close();
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
      this.#place(dependent);
      return;
    }
    this.#dependents.delete(dependent.number);
    this.#refuse(dependent, this.#owned.failureOf(number));
  }

  /** What stands in a call for a result of this thread that has come. */
  #filling({ number: call }: Dependent, number: number, state: number): ResolvedArgument {
    return state === objectState.value ? this.#owned.valueOf(number) : this.#options.storedAt(call, number);
  }

  /**
   * Puts a call up before its arguments are there, if they are results of calls that are up themselves: the worker that
   * runs those has them at hand, any other gives it back. Not too many at once, as giving back costs something, too.
   */
  #chain(dependent: Dependent): boolean {
    if (this.#local !== undefined || this.#chained >= chainLimit) return false;
    for (const number of dependent.missing) {
      const other = this.#dependents.get(number);
      if ((other !== undefined && !other.chained) || this.#owned.stateOf(number) !== objectState.pending) return false;
    }
    const { number, callee, parent, submitted } = dependent;
    const args = dependent.args.map((argument) =>
      argument instanceof Dependency ? new ResultOf(argument.number) : argument,
    );
    const length = Submissions.lengthOf(args);
    if (length === undefined) return false;
    dependent.chained = true;
    this.#chained += 1;
    dependent.pinned = [...dependent.missing];
    for (const pinned of dependent.pinned) this.#owned.pin(pinned);
    this.#submissions.submit(length, number, callee, parent, submitted, args, true);
    return true;
  }

  /** A call that was put up early is up no more. */
  #unchain(number: number): Dependent | undefined {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined || !dependent.chained) return undefined;
    this.#dependents.delete(number);
    dependent.chained = false;
    this.#chained -= 1;
    for (const pinned of dependent.pinned) this.#owned.unpin(pinned);
    return dependent;
  }

  /** A call that was put up early came back: it waits for what is not here yet. */
  #bounced(number: number): void {
    const dependent = this.#dependents.get(number);
    if (dependent === undefined) return;
    for (const missing of [...dependent.missing]) {
      const state = this.#owned.stateOf(missing);
      if (state === objectState.value || state === objectState.away) {
        dependent.fill(missing, this.#filling(dependent, missing, state));
      } else if (state === objectState.failure) {
        const failure = this.#owned.failureOf(missing);
        this.#unchain(number);
        this.#refuse(dependent, failure);
        return;
      } else if (state === objectState.pending) this.#owned.wait(missing, dependent);
    }
    dependent.chained = false;
    this.#chained -= 1;
    if (dependent.missing.size === 0) {
      this.#dependents.delete(number);
      this.#place(dependent);
    } else this.#chainable.push(dependent);
    // Only now: what it needs is held by whoever it was given to.
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

  #place({ number, callee, args, parent, submitted }: Dependent): void {
    this.#put(number, callee, args as ResolvedArgument[], parent, submitted);
  }

  #refuse({ number, callee, parent }: Dependent, failure: Failure): void {
    this.#unrun(number, failure, callee, 0, parent);
    this.#options.settle(number, { failure });
  }

  #unrun(number: number, failure: Failure, callee: number, attempt: number, parent: number): void {
    const { name } = this.#callees[callee]!;
    const task = this.#options.base + number;
    const submitted = wallTime();
    this.#options.outbox.push({ type: "unrun", task, name, failure, attempt, parent, submitted });
  }

  /**
   * The outcome of a later attempt, or none. The node may have that of an earlier one, whose thread ended before it could say
   * so: where others may have seen that, it is the one that counts, else nobody ever sees it.
   */
  #settleAnew(number: number, outcome: Outcome): void {
    const object = this.#options.base + number;
    if (this.#owned.isShared(number)) {
      this.#options.outbox.push({ type: "share", object, outcome });
      this.#options.moved(number);
    } else {
      // First, as whoever hears of the outcome may give the object to the node.
      this.#options.outbox.push({ type: "release", objects: [object] });
      this.#options.settle(number, outcome);
    }
  }

  #announce(): void {
    this.#announced = true;
    this.#options.outbox.push({ type: "board", memory: this.#submissions.memory });
    this.#bell.listen();
  }

  /** One clock reading serves all that is submitted in a turn. */
  #beginTurn(): void {
    this.#turn = wallTime();
    queueMicrotask(() => {
      this.#turn = 0;
    });
  }
}

/** A call that waits for results of this thread. */
class Dependent implements Waiter {
  readonly number: number;
  readonly callee: number;
  readonly args: OwnArgument[];
  readonly parent: number;
  readonly submitted: number;
  /** Arguments that are not filled in. */
  readonly missing = new Set<number>();
  /** Whether the call was put up early, and what is kept for it then. */
  chained = false;
  pinned: readonly number[] = [];
  readonly #calls: OwnCalls;

  constructor(calls: OwnCalls, number: number, callee: number, args: OwnArgument[], parent: number, submitted: number) {
    this.#calls = calls;
    this.number = number;
    this.callee = callee;
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
