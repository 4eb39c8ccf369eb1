import type { StoredValue } from "../../store/value.js";
import type { CallList } from "../call-list.js";
import type { Failure } from "../failure.js";
import { cancelled, noWorkers, stopped, workerDied } from "../host/reasons.js";
import type { CallFacts } from "../journal.js";
import { Backlog } from "../rings/backlog.js";
import { Bell } from "../rings/bell.js";
import { type BoardMemory, BoardOwner, callLimit, createBoard, lookAtBoard } from "../rings/board.js";
import { unpackFailure } from "../rings/failures.js";
import {
  attemptOf,
  calleeOf,
  callWords,
  countAttempt,
  numberOf,
  parentOf,
  readFacts,
  readResolved,
  readResult,
  readWritten,
  resultKind,
  resultKindOf,
  resultNumberOf,
  resultSlotOf,
  writeCall,
} from "../rings/records.js";
import { RingReader } from "../rings/ring.js";
import { type CallArgument, type ResolvedArgument, WordReader } from "../rings/words.js";
import type { ClientId, WorkerId } from "../scheduler/events.js";

/** What a call calls, as its owner numbers it. */
export interface Callee {
  readonly name: string;
  /** -1 for ever. */
  readonly maxRetries: number;
  readonly retryExceptions: boolean;
}

/** Whether a call that failed so at this attempt is tried again. What was cancelled is not. */
export function isRetried({ maxRetries, retryExceptions }: Callee, attempt: number, failure: Failure): boolean {
  return retryExceptions && failure.code !== "TASK_CANCELLED" && mayRetry(maxRetries, attempt);
}

function mayRetry(maxRetries: number, attempt: number): boolean {
  return maxRetries < 0 || attempt <= maxRetries;
}

/** A call that is taken back from the board of a worker needs no results of others. */
const noResults = { has: () => false, get: () => undefined };

/** How a call ended. */
export interface Endings {
  succeeded(number: number, value: StoredValue, attempt: number): void;
  /** At which attempt, 0 for a call that never began; `ran` says whether a worker wrote about it in its journal. */
  failed(call: CallFacts, failure: Failure, ran: boolean): void;
  /** The node has the outcome. */
  deposited(number: number, callee: number, attempt: number, args: CallArgument[]): void;
  /** The call did not begin, as its worker did not have a result that is an argument. */
  bounced(number: number): void;
  /** The result of this attempt was lost with its worker's thread, whatever that one wrote in its journal. */
  unanswered(number: number, attempt: number): void;
}

interface Claimer {
  readonly results: RingReader;
  readonly bell: Bell;
}

/** How long a call may wait for a worker that was expected to take it soon. */
const patienceMilliseconds = 2;
/** A worker more is woken for so many nanoseconds of work that wait: less is done sooner than it is worth a thread. */
const wakeNanoseconds = 200_000;
/** What a call is taken to take whose callee never ran. */
const unknownNanoseconds = 1_000_000;
/** After so many calls in one turn, workers are shown them before the turn is over. */
const showAfter = 512;

/**
 * The calls that this thread puts up for CPU workers, until each has its result. The board keeps a call until then, so
 * that it can be put up again when the thread ends that had it.
 */
export class Submissions {
  readonly #board: BoardOwner;
  readonly #backlog = new Backlog();
  readonly #callees: readonly Callee[];
  readonly #endings: Endings;
  readonly #claimers = new Map<WorkerId, Claimer>();
  readonly #reader = new WordReader();
  #hidden = 0;
  /** What the hidden calls that are worth waking a worker are expected to take. */
  #work = 0;
  /** What a call of each callee takes, in nanoseconds, as workers say. */
  readonly #costs: number[] = [];
  #lastSpeaker: Claimer | undefined;
  /** Calls that were cancelled too late to take them back. */
  readonly #unwanted = new Set<number>();
  #watch: NodeJS.Timeout | undefined;
  #flushing = false;
  readonly memory: BoardMemory;

  /** `callees` may grow: a call's callee is a position in it. */
  constructor(callees: readonly Callee[], endings: Endings, memory: BoardMemory = createBoard()) {
    this.memory = memory;
    this.#board = new BoardOwner(this.memory);
    this.#callees = callees;
    this.#endings = endings;
  }

  /** How many calls have no result yet. */
  get size(): number {
    return this.#board.used + this.#backlog.length;
  }

  /** How many words of shared memory they take. */
  get words(): number {
    return this.#board.wordsUsed;
  }

  /** Lists the calls that are not on the board yet: those there are for everybody to see. */
  look(list: CallList, owner: ClientId): void {
    for (const { words, at } of this.#backlog) {
      const { calleeNumber: callee, ...call } = notBegun(readFacts(words, at));
      list.add({ owner, ...call, callee, actor: 0, started: 0 });
    }
  }

  /** How many words a call with these arguments takes; undefined for one that is too long for a board. */
  static lengthOf(args: readonly CallArgument[]): number | undefined {
    const length = callWords(args);
    return length <= callLimit ? length : undefined;
  }

  /**
   * Puts a call up: at the latest when this turn is over, workers see it. A quiet one wakes none: it needs the result of
   * another call, and is for the worker that has that one.
   */
  submit(
    length: number,
    number: number,
    callee: number,
    parent: number,
    submitted: number,
    args: readonly CallArgument[],
    quiet = false,
    attempt = 1,
  ): void {
    if (!quiet) this.#work += this.#costs[callee] ?? unknownNanoseconds;
    const board = this.#board;
    const place = this.#backlog.length === 0 ? board.reserve(length) : -1;
    if (place >= 0) {
      writeCall(board.words, BoardOwner.at(place), length, number, callee, parent, submitted, args, attempt);
      board.show(place);
      this.#hidden += 1;
    } else {
      const at = this.#backlog.reserve(length);
      writeCall(this.#backlog.words, at, length, number, callee, parent, submitted, args, attempt);
    }
    if (this.#hidden >= showAfter) this.#show();
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.flush());
  }

  /** Shows workers now what was put up in this turn. */
  flush(): void {
    if (!this.#flushing) return;
    this.#flushing = false;
    this.#refill();
    this.#show();
  }

  /**
   * A worker can claim from now on; its results come by `results`. It may have heard of the board before, and have rung for
   * its first results in vain: then `pump` reads them.
   */
  meet(worker: WorkerId, results: SharedArrayBuffer, words: SharedArrayBuffer): void {
    const claimer: Claimer = { results: new RingReader(results), bell: new Bell(words) };
    this.#claimers.set(worker, claimer);
    claimer.bell.ring();
  }

  /** Whether a worker other than `self` has nothing to do. */
  someoneIdles(self: WorkerId): boolean {
    for (const [worker, { bell }] of this.#claimers) if (worker !== self && bell.idles) return true;
    return false;
  }

  /** Reads all results that are there. */
  pump(): void {
    for (const claimer of this.#claimers.values()) this.#read(claimer);
    if (this.#backlog.length > 0) this.#refill();
    if (this.#hidden > 0 && !this.#flushing) this.#show();
  }

  /**
   * Shows what is hidden, and makes the worker look that was the last to say something. Should that one be taken by
   * something else for longer, the others look, too.
   */
  nudge(): void {
    this.#show();
    this.#lastSpeaker?.bell.ring();
    this.#watchOver();
  }

  /** A worker's thread has ended: what it had and did not answer runs again, as often as its callee allows. */
  ended(worker: WorkerId, reason: string, onPurpose: boolean): void {
    const claimer = this.#claimers.get(worker);
    if (claimer === undefined) return;
    this.#read(claimer);
    this.#claimers.delete(worker);
    if (this.#lastSpeaker === claimer) this.#lastSpeaker = undefined;
    const board = this.#board;
    for (const { slot, begun, answered } of board.abandonedBy(worker)) {
      const at = board.placeOf(slot);
      const call = readFacts(board.words, at);
      const { number, attempt } = call;
      const { name, maxRetries } = this.#callees[call.calleeNumber]!;
      if (answered) this.#endings.unanswered(number, attempt);
      const counts = begun && !onPurpose;
      const unwanted = this.#unwanted.delete(number);
      if (unwanted || (counts && !mayRetry(maxRetries, attempt))) {
        board.retire(slot);
        this.#endings.failed(call, unwanted ? stopped(name) : workerDied(name, attempt, reason), false);
        continue;
      }
      if (counts) countAttempt(board.words, at);
      this.#putAgain(slot, unknownNanoseconds);
    }
    this.#show();
  }

  /** Takes a call back that nobody has taken; returns whether that was so. If not, it is not tried again, however it ends. */
  cancel(number: number): boolean {
    const withdrawn = this.#withdraw(
      (words, at) => numberOf(words, at) === number,
      (name) => cancelled(name),
    );
    if (withdrawn > 0) return true;
    for (const { at } of lookAtBoard(this.memory)) {
      if (numberOf(this.#board.words, at) === number) this.#unwanted.add(number);
    }
    return false;
  }

  /** The numbers of the calls that a task submitted and that have no result yet. */
  childrenOf(parent: number): number[] {
    const children: number[] = [];
    const { words } = this.#board;
    for (const { at } of lookAtBoard(this.memory))
      if (parentOf(words, at) === parent) children.push(numberOf(words, at));
    for (const { words: waiting, at } of this.#backlog) {
      if (parentOf(waiting, at) === parent) children.push(numberOf(waiting, at));
    }
    return children;
  }

  /** Takes a call back to run it here, if nobody has taken it and its callee is accepted. */
  takeBack(
    number: number,
    accepts: (callee: number) => boolean,
  ): (CallFacts & { args: ResolvedArgument[] }) | undefined {
    const board = this.#board;
    const { words } = board;
    for (const slot of board.newestReady()) {
      const at = board.placeOf(slot);
      if (numberOf(words, at) !== number) continue;
      const call = readFacts(words, at);
      const args = readResolved(this.#reader, words, at, noResults);
      if (args === undefined || !accepts(call.calleeNumber) || !board.withdraw(slot)) return undefined;
      return { ...call, args };
    }
    return undefined;
  }

  /** No worker comes up: fails all that nobody has taken. */
  strand(reason: string): void {
    this.#withdraw(
      () => true,
      (name) => noWorkers(name, reason),
    );
  }

  #withdraw(fits: (words: Int32Array, at: number) => boolean, explain: (name: string) => Failure): number {
    const withdrawn: CallFacts[] = [];
    const board = this.#board;
    for (const slot of board.newestReady()) {
      const at = board.placeOf(slot);
      if (!fits(board.words, at)) continue;
      const call = readFacts(board.words, at);
      if (board.withdraw(slot)) withdrawn.push(notBegun(call));
    }
    this.#backlog.filter((words, at) => {
      if (!fits(words, at)) return true;
      withdrawn.push(notBegun(readFacts(words, at)));
      return false;
    });
    for (const call of withdrawn) this.#endings.failed(call, explain(this.#callees[call.calleeNumber]!.name), false);
    return withdrawn.length;
  }

  #read(claimer: Claimer): void {
    const { results } = claimer;
    const { words } = results;
    let at = results.peek();
    if (at < 0) return;
    this.#lastSpeaker = claimer;
    for (; at >= 0; at = results.peek()) {
      this.#settle(words, at);
      results.advance(at);
    }
    results.release();
  }

  #settle(words: Int32Array, at: number): void {
    const board = this.#board;
    const number = resultNumberOf(words, at);
    const slot = resultSlotOf(words, at);
    const kind = resultKindOf(words, at);
    if (kind === resultKind.took) {
      this.#costs[number] = slot;
      return;
    }
    const place = board.placeOf(slot);
    const unwanted = this.#unwanted.size > 0 && this.#unwanted.delete(number);
    const attempt = attemptOf(board.words, place);
    const callee = calleeOf(board.words, place);
    switch (kind) {
      case resultKind.value:
        board.retire(slot);
        this.#endings.succeeded(number, readResult(this.#reader, words, at), attempt);
        return;
      case resultKind.atNode: {
        const args = readWritten(this.#reader, board.words, place);
        board.retire(slot);
        this.#endings.deposited(number, callee, attempt, args);
        return;
      }
      case resultKind.failure: {
        const failure = unpackFailure(readResult(this.#reader, words, at));
        if (!unwanted && isRetried(this.#callees[callee]!, attempt, failure)) {
          countAttempt(board.words, place);
          this.#putAgain(slot, unknownNanoseconds);
          return;
        }
        const call = readFacts(board.words, place);
        board.retire(slot);
        this.#endings.failed(call, failure, true);
        return;
      }
      case resultKind.returned:
      case resultKind.bounced:
        if (unwanted) {
          const call = notBegun(readFacts(board.words, place));
          board.retire(slot);
          this.#endings.failed(call, cancelled(this.#callees[callee]!.name), false);
        } else if (kind === resultKind.returned) this.#putAgain(slot, this.#costs[callee] ?? unknownNanoseconds);
        else {
          board.retire(slot);
          this.#endings.bounced(number);
        }
        return;
    }
  }

  /** Shows a call to workers once more, later. */
  #putAgain(slot: number, nanoseconds: number): void {
    this.#board.putAgain(slot);
    this.#hidden += 1;
    this.#work += nanoseconds;
  }

  /** Moves calls from the backlog to the board while there is room. */
  #refill(): void {
    const [board, backlog] = [this.#board, this.#backlog];
    while (backlog.length > 0) {
      const from = backlog.peek();
      const { words } = backlog;
      const length = words[from]!;
      const place = board.reserve(length);
      if (place < 0) return;
      const to = BoardOwner.at(place);
      for (let i = 0; i < length; i++) board.words[to + i] = words[from + i]!;
      backlog.shift();
      board.show(place);
      this.#hidden += 1;
      this.#work += this.#costs[calleeOf(board.words, to)] ?? unknownNanoseconds;
    }
  }

  /** Shows workers what was put up, and summons as many of those that idle as there is work for. */
  #show(): void {
    const shown = this.#board.publish();
    if (shown === 0) return;
    const work = this.#work;
    this.#hidden = 0;
    // What is in the backlog comes later, and counts then.
    this.#work = 0;
    if (work === 0) return;
    let quick = 0;
    let idle = 0;
    for (const { bell } of this.#claimers.values()) {
      if (bell.idles) idle += 1;
      else if (bell.isQuick) quick += 1;
    }
    if (idle === 0) return;
    const { waiting } = this.#board;
    const share = (waiting * work) / shown / wakeNanoseconds;
    let toWake = Math.min(waiting, Math.ceil(share) - quick);
    for (const { bell } of this.#claimers.values()) {
      if (toWake <= 0) break;
      if (!bell.summon()) continue;
      toWake -= 1;
      idle -= 1;
    }
    if (idle > 0) this.#watchOver();
  }

  /** Summons whoever idles when calls still wait after a while: a worker may take longer than expected. */
  #watchOver(): void {
    this.#watch ??= setTimeout(() => {
      this.#watch = undefined;
      if (this.#board.waiting === 0) return;
      for (const { bell } of this.#claimers.values()) bell.summon();
    }, patienceMilliseconds).unref();
  }
}

/** The attempt that is written is the one that would have begun. */
function notBegun(call: CallFacts): CallFacts {
  return { ...call, attempt: call.attempt - 1 };
}
