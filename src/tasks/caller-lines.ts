import type { StoredValue } from "../store/value.js";
import { Answers } from "./answers.js";
import type { CallFacts } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { Outcome, WorkerCommand, WorkerMessage } from "./protocol.js";
import { Bell } from "./rings/bell.js";
import { calleeOf, numberOf, parentOf, readArguments, sequenceOf, submittedOf } from "./rings/records.js";
import { RingReader, RingWriter } from "./rings/ring.js";
import { WordReader } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/** A call that comes by message. */
export type CallMessage = WorkerCommand & { type: "call" };

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

/** Where an actor's calls come from, and its answers go. */
export interface CallSource {
  /** The next call of any caller; undefined when there is none. */
  take(): IncomingCall | undefined;
  /** A call that came by message and has a place in its caller's order. */
  hold(call: CallMessage): void;
  /** The outcome of a call that came by a ring and started then. */
  answer(call: IncomingCall, outcome: Outcome, started: number): void;
  /** The calls answered since the last time began at `began` and took `each` milliseconds, one after the other. */
  ended(began: number, each: number): void;
  /** Shows callers their results. */
  say(): void;
}

/** One caller of this thread's actor, or actors. */
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
  readonly held: Map<number, CallMessage>;
}

/**
 * The calls to this thread's actor. Those of one caller are given out in the order in which they were made, by whichever
 * way each of them came: the next one is at the front of the ring, or comes by message.
 */
export class CallerLines implements CallSource {
  readonly #lines = new Map<ClientId, CallerLine>();
  readonly #orders = new Map<ClientId, Order>();
  readonly #reader = new WordReader();
  readonly #answers: Answers;

  constructor(outbox: Outbox<WorkerMessage>) {
    this.#answers = new Answers(outbox);
  }

  add(command: WorkerCommand & { type: "caller" }): void {
    this.#lines.set(command.caller, new CallerLine(command));
  }

  hold(call: CallMessage): void {
    this.#orderOf(call.caller).held.set(call.sequence!, call);
  }

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

  answer(call: IncomingCall, outcome: Outcome, started: number): void {
    this.#answers.answer(call, outcome, started);
  }

  ended(began: number, each: number): void {
    this.#answers.ended(began, each);
  }

  say(): void {
    this.#answers.say();
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
