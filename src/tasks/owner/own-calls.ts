import type { CallList } from "../call-list.js";
import { wallTime } from "../clock.js";
import type { Failure } from "../failure.js";
import { cancelled } from "../host/reasons.js";
import type { CallFacts } from "../journal.js";
import type { RemoteCode } from "../live.js";
import type { LocalCall, LocalCalls, PublicCalls } from "../local-calls.js";
import type { Outbox } from "../outbox.js";
import type { ClientMessage, ClientReply, Outcome } from "../protocol.js";
import { OwnBell } from "../rings/bell.js";
import type { CallArgument, ResolvedArgument, StoredAt } from "../rings/words.js";
import type { CodeId, ObjectId, TaskId } from "../scheduler/events.js";
import { underWay } from "../under-way.js";
import { ActorLines, type ActorLinesOptions, type LineReply } from "./actor-lines.js";
import type { OwnArgument } from "./dependency.js";
import { type OwnCallee, OwnCallees } from "./own-callees.js";
import type { OwnedObjects } from "./owned-objects.js";
import { isRetried, Submissions } from "./submissions.js";
import { WaitingCalls } from "./waiting-calls.js";

/** How long `lookFor` looks, and how many times it does not after it looked in vain. */
const lookMilliseconds = 0.03;
const looksSkipped = 16;
/** About 20 microseconds. */
const looksBeforeSleep = 2000;

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
  deposited(number: number, callee: OwnCallee, attempt: number, args: readonly CallArgument[]): void;
  /** An argument of a call is the value of an object of this thread that the node has; it is held until the call has ended. */
  storedAt(call: number, number: number): StoredAt;
  /** Submits the call through the node instead, with the dependencies as references. */
  byNode(number: number, callee: OwnCallee, args: readonly OwnArgument[], parent: TaskId): void;
  readonly lines: Pick<ActorLinesOptions, "byNode" | "placed" | "deposited">;
  /** A call with these arguments will not be sent. */
  unsent(args: readonly OwnArgument[]): void;
  codeId(code: RemoteCode): CodeId;
}

/** The calls of this thread that CPU workers run: those that wait for others, and those on its board. */
export class OwnCalls implements PublicCalls {
  readonly #owned: OwnedObjects;
  readonly #options: OwnCallsOptions;
  readonly callees: OwnCallees;
  readonly lines: ActorLines;
  readonly #callees: readonly OwnCallee[];
  readonly #submissions: Submissions;
  readonly #waiting: WaitingCalls;
  #patience = 0;
  readonly #bell: OwnBell;
  #local: LocalCalls | undefined;
  #announced = false;
  /** Whether this thread ever submitted a call: else it has no results to read. */
  #isOwner = false;
  #turn = 0;
  #work: () => void = () => {};

  constructor(owned: OwnedObjects, options: OwnCallsOptions) {
    this.#owned = owned;
    this.#options = options;
    this.callees = new OwnCallees(options.outbox, options.codeId);
    this.#callees = this.callees.list;
    this.#submissions = new Submissions(this.#callees, {
      succeeded: (number, value, attempt) => {
        this.#waiting.ended(number);
        if (attempt === 1) options.settle(number, { value });
        else this.#settleAnew(number, { value });
      },
      failed: (call, failure, ran) => {
        const { number, attempt } = call;
        this.#waiting.ended(number);
        if (!ran) this.#unrun(call, failure);
        if (attempt === 0 || (ran && attempt === 1)) options.settle(number, { failure });
        else this.#settleAnew(number, { failure });
      },
      deposited: (number, callee, attempt, args) => {
        options.deposited(number, this.#callees[callee]!, attempt, args);
        this.#waiting.ended(number);
      },
      bounced: (number) => this.#waiting.bounced(number),
      unanswered: (number, attempt) => {
        options.outbox.push({ type: "unanswered", task: options.base + number, attempt });
      },
    });
    this.#waiting = new WaitingCalls(owned, this.#submissions, {
      place: ({ number, calleeNumber, args, parent, submitted }) => {
        this.#put(number, calleeNumber, args as ResolvedArgument[], parent, submitted);
      },
      refuse: (dependent, failure) => this.#refuse(dependent, failure),
      storedAt: options.storedAt,
    });
    this.lines = new ActorLines(owned, {
      meet: (actor) => {
        this.#listen();
        options.outbox.push({ type: "meet", actor });
      },
      settle: options.settle,
      settleAnew: (number, outcome) => this.#settleAnew(number, outcome),
      moved: options.moved,
      ...options.lines,
      calleeFor: (actor, name) => this.callees.ofActor(actor, name),
      nameOf: (callee) => this.callees.nameOf(callee),
      unrun: ({ number, name, attempt, parent, submitted, actor, args }, failure) => {
        if (args !== undefined) options.unsent(args);
        const task = options.base + number;
        options.outbox.push({ type: "unrun", task, name, failure, attempt, parent, submitted, actor });
      },
    });
    this.#bell = new OwnBell(options.words, () => {
      if (this.#isOwner) this.pump();
      this.#work();
    });
  }

  /** When what is submitted in this turn was submitted. */
  get now(): number {
    if (this.#turn === 0) this.#beginTurn();
    return this.#turn;
  }

  /** Puts a call up, or lets it wait for its arguments. Its object is pending. */
  submit(number: number, callee: number, args: OwnArgument[], parent: number): void {
    if (!this.#announced) this.#announce();
    this.#waiting.add(number, callee, args, parent, this.now);
  }

  /** Puts up a call whose arguments are values: the fast way. */
  submitValues(number: number, callee: number, args: ResolvedArgument[], parent: number): void {
    if (!this.#announced) this.#announce();
    this.#put(number, callee, args, parent, this.now);
  }

  /** From now on, calls that are better run on this thread go to `local`. */
  keepIn(local: LocalCalls): void {
    this.#local = local;
    this.#waiting.chains = false;
  }

  /** Puts a kept call up for others. */
  putUp({ number, calleeNumber, args, parent, submitted, attempt }: Omit<LocalCall, "callee">): void {
    const length = Submissions.lengthOf(args);
    if (length === undefined) this.#options.byNode(number, this.#callees[calleeNumber]!, args, parent);
    else this.#submissions.submit(length, number, calleeNumber, parent, submitted, args, false, attempt);
  }

  /** A kept call has ended; without an outcome, that is with the node. */
  answer(call: LocalCall, outcome: Outcome | undefined): void {
    const { number, calleeNumber, attempt, args } = call;
    if (outcome === undefined) this.#options.deposited(number, this.#callees[calleeNumber]!, attempt, args);
    else if (!("failure" in outcome && this.#retry(call, outcome.failure))) this.#options.settle(number, outcome);
  }

  /** Keeps a call that failed once more, if its function is to be tried again; returns whether it did. */
  #retry({ number, calleeNumber, args, parent, submitted, attempt }: LocalCall, failure: Failure): boolean {
    if (!isRetried(this.#callees[calleeNumber]!, attempt, failure)) return false;
    return this.#local!.keep(number, calleeNumber, args, parent, submitted, attempt + 1);
  }

  /** Whether another worker has nothing to do. */
  get someoneIdles(): boolean {
    return this.#submissions.someoneIdles(this.#options.base / 2 ** 32);
  }

  #put(number: number, callee: number, args: ResolvedArgument[], parent: number, submitted: number): void {
    if (this.#local?.keep(number, callee, args, parent, submitted)) return;
    const length = Submissions.lengthOf(args);
    if (length === undefined) this.#options.byNode(number, this.#callees[callee]!, args, parent);
    else this.#submissions.submit(length, number, callee, parent, submitted, args);
  }

  /** Takes a call back that did not begin; returns whether that was so. */
  cancel(number: number): boolean {
    const call = this.#waiting.withdraw(number) ?? this.#local?.withdraw(number);
    if (call === undefined) return this.#submissions.cancel(number);
    this.#refuse(call, cancelled(this.callees.nameOf(call.calleeNumber)));
    return true;
  }

  /** The numbers of the calls that a task submitted and that have no result yet. */
  childrenOf(parent: number): number[] {
    const kept = this.#local?.childrenOf(parent) ?? [];
    const sent = [...this.#submissions.childrenOf(parent), ...this.lines.childrenOf(parent)];
    return [...new Set([...this.#waiting.childrenOf(parent), ...kept, ...sent])];
  }

  receive(reply: (ClientReply & { type: "claimer" | "ended" | "stranded" }) | LineReply): void {
    if ("actor" in reply) this.lines.receive(reply);
    else if (reply.type === "claimer") {
      this.#submissions.meet(reply.worker, reply.results, reply.words);
      this.pump();
    } else if (reply.type === "ended") {
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
    this.#waiting.pump();
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

  /** The objects that the call waits for that makes this one, as far as it is this thread's. */
  needsOf(object: ObjectId): ObjectId[] {
    const { base } = this.#options;
    return Array.from(this.#waiting.needsOf(object - base), (number) => base + number);
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
    this.#waiting.look(list, owner);
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
      waiting: this.#waiting.size,
      running: this.#submissions.size + (this.#local?.size ?? 0) + this.lines.size,
    };
  }

  close(): void {
    this.#bell.close();
  }

  /** A call of this thread ends before it began. */
  #refuse(call: Omit<CallFacts, "attempt">, failure: Failure): void {
    this.#unrun({ ...call, attempt: 0 }, failure);
    this.#options.settle(call.number, { failure });
  }

  /** Has the node write the row of a call of which no worker does. */
  #unrun({ number, calleeNumber, parent, submitted, attempt }: CallFacts, failure: Failure): void {
    const name = this.callees.nameOf(calleeNumber);
    const task = this.#options.base + number;
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
    this.#listen();
  }

  #listen(): void {
    this.#isOwner = true;
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
