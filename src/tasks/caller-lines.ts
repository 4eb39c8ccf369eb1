import type { StoredValue } from "../store/value.js";
import { type CallFacts, JournalWriter } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { Outcome, WorkerCommand, WorkerMessage } from "./protocol.js";
import { Bell } from "./rings/bell.js";
import { packFailure } from "./rings/failures.js";
import {
  calleeOf,
  numberOf,
  parentOf,
  readArguments,
  resultKind,
  resultWords,
  sequenceOf,
  submittedOf,
  writeResult,
} from "./rings/records.js";
import { RingReader, RingWriter } from "./rings/ring.js";
import { fitsWords, WordReader } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

type Message = WorkerCommand & { type: "call" };

/** A call that may start now. */
export interface IncomingCall {
  readonly task: TaskId;
  readonly method: string;
  readonly args: readonly StoredValue[];
  /** Whose ring it came by; undefined for one that came by message. */
  readonly line: CallerLine | undefined;
  readonly facts: CallFacts | undefined;
  /** Of a call that came by message. */
  readonly name: string | undefined;
}

/** One caller of this thread's actor. */
export class CallerLine {
  readonly caller: ClientId;
  readonly calls: RingReader;
  readonly results: RingWriter;
  readonly bell: Bell;
  readonly methods: string[] = [];

  constructor({ caller, calls, results, words }: WorkerCommand & { type: "caller" }) {
    this.caller = caller;
    this.calls = new RingReader(calls);
    this.results = new RingWriter(results);
    this.bell = new Bell(words);
  }
}

/** Where the order of one caller's calls stands. What came by message before its turn is held. */
interface Order {
  next: number;
  readonly held: Map<number, Message>;
}

/**
 * The calls to this thread's actor. Those of one caller are given out in the order in which they were made, by whichever
 * way each of them came: the next one is at the front of the ring, or comes by message.
 */
export class CallerLines {
  readonly #outbox: Outbox<WorkerMessage>;
  readonly #lines = new Map<ClientId, CallerLine>();
  readonly #orders = new Map<ClientId, Order>();
  readonly #reader = new WordReader();
  readonly #unsaid = new Set<CallerLine>();
  readonly #journal: JournalWriter;

  constructor(outbox: Outbox<WorkerMessage>) {
    this.#outbox = outbox;
    this.#journal = new JournalWriter((chunk) => outbox.push({ type: "journal", chunk }));
  }

  add(command: WorkerCommand & { type: "caller" }): void {
    this.#lines.set(command.caller, new CallerLine(command));
  }

  /** A call that came by message and has a place in its caller's order. */
  hold(call: Message): void {
    this.#orderOf(call.caller).held.set(call.sequence!, call);
  }

  /** The next call of any caller; undefined when there is none. */
  take(): IncomingCall | undefined {
    for (const [caller, order] of this.#orders) {
      if (order.held.size === 0) continue;
      const message = order.held.get(order.next);
      if (message === undefined) continue;
      order.held.delete(order.next);
      order.next += 1;
      this.#rotate(caller);
      const { task, method, args, name } = message;
      return { task, method, args, name, line: undefined, facts: undefined };
    }
    for (const line of this.#lines.values()) {
      const call = this.#takeFrom(line);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  /** The outcome of a call that came by a ring. */
  answer(call: IncomingCall, outcome: Outcome): void {
    const line = call.line!;
    const { number } = call.facts!;
    const failed = "failure" in outcome;
    this.#journal.add(call.facts!, line.caller, failed);
    const name = call.method;
    if (failed) {
      const { code, message } = outcome.failure;
      this.#outbox.push({ type: "fault", task: call.task, error: `${code}: ${message}` });
    }
    const value = failed ? packFailure(outcome.failure) : outcome.value;
    const length = fitsWords(value) ? resultWords(value) : Number.POSITIVE_INFINITY;
    if (length > line.results.limit) {
      this.#outbox.push({ type: "deposit", task: call.task, name, outcome });
      const { words, at } = line.results.reserve(resultWords(undefined));
      writeResult(words, at, resultKind.atNode, number, -1, undefined);
    } else {
      const { words, at } = line.results.reserve(length);
      writeResult(words, at, failed ? resultKind.failure : resultKind.value, number, -1, value);
    }
    this.#unsaid.add(line);
  }

  /** The calls answered since the last time began at `began` and have ended now. */
  ended(began: number): void {
    this.#journal.endedBy(began, Date.now());
  }

  /** Shows callers their results, after the messages that these rely on. */
  say(): void {
    if (this.#unsaid.size === 0) return;
    this.#outbox.flush();
    for (const line of this.#unsaid) {
      line.calls.release();
      if (line.results.publish()) line.bell.ring();
      if (!line.results.waits) this.#unsaid.delete(line);
    }
    if (this.#unsaid.size > 0) setImmediate(() => this.say());
  }

  #takeFrom(line: CallerLine): IncomingCall | undefined {
    const { calls, caller } = line;
    const { words } = calls;
    const order = this.#orderOf(caller);
    for (;;) {
      const at = calls.peek();
      if (at < 0) return undefined;
      const sequence = sequenceOf(words, at);
      if (sequence >= 0 && sequence !== order.next) return undefined;
      const args = readArguments(this.#reader, words, at);
      const callee = calleeOf(words, at);
      const number = numberOf(words, at);
      const facts: CallFacts = {
        number,
        calleeNumber: callee,
        parent: parentOf(words, at),
        submitted: submittedOf(words, at),
        attempt: 1,
      };
      calls.advance(at);
      if (sequence < 0) {
        line.methods[callee] = args[0] as string;
        continue;
      }
      order.next += 1;
      const task = caller * 2 ** 32 + number;
      return { task, method: line.methods[callee]!, args, line, facts, name: undefined };
    }
  }

  #orderOf(caller: ClientId): Order {
    let order = this.#orders.get(caller);
    if (order === undefined) {
      order = { next: 0, held: new Map() };
      this.#orders.set(caller, order);
    }
    return order;
  }

  /** Lets the others go first next time. */
  #rotate(caller: ClientId): void {
    const order = this.#orders.get(caller)!;
    this.#orders.delete(caller);
    this.#orders.set(caller, order);
  }
}
