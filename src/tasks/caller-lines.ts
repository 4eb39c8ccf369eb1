import type { StoredValue } from "../store/value.js";
import { Answers, type Asker } from "./answers.js";
import type { CallFacts } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { LineRings, WorkerCommand, WorkerMessage } from "./protocol.js";
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
  /** What errors call it. */
  readonly name: string;
  /** Its concurrency group. */
  readonly group: number;
  readonly args: readonly StoredValue[];
  /** Where it stands among its caller's calls. */
  readonly order: CallOrder;
  readonly sequence: number;
  /** Whose ring it came by; undefined for one that came by message. */
  readonly line: CallerLine | undefined;
  readonly facts: CallFacts | undefined;
  /** What it makes, where that is not one object: such calls come by message. */
  readonly returns?: CallMessage["returns"];
}

/** The call that a message brings. */
export function callOf(message: CallMessage, order: CallOrder): IncomingCall {
  const { task, method, name, group, args, sequence, returns } = message;
  return { task, method, name, group, args, order, sequence, line: undefined, facts: undefined, returns };
}

/** The order of one caller's calls to one actor. */
export class CallOrder {
  /** Which call is next. */
  next = 0;
  /** Calls that came by message before their turn; undefined in the place of one that never comes. */
  readonly held = new Map<number, IncomingCall | undefined>();
  #begun: Int32Array | undefined;

  /** From now on, notes how far calls have begun, for when this thread ends. */
  noteIn(begun: SharedArrayBuffer | undefined): void {
    if (begun !== undefined) this.#begun = new Int32Array(begun);
  }

  /** Whether it notes how far calls have begun. */
  get isNoted(): boolean {
    return this.#begun !== undefined;
  }

  /**
   * The call with this number begins now; those of its group begin in order. It is read once this thread has ended, so a plain
   * store will do: whoever is then told that a call had not begun may rely on it.
   */
  begin({ group, sequence }: IncomingCall): void {
    if (this.#begun !== undefined) this.#begun[group] = sequence + 1;
  }

  /** The next call, if it came by message. */
  takeHeld(): IncomingCall | undefined {
    while (this.held.has(this.next)) {
      const call = this.held.get(this.next);
      this.held.delete(this.next);
      this.next += 1;
      if (call !== undefined) return call;
    }
    return undefined;
  }
}

/** Where an actor's calls come from, and its answers go. */
export interface CallSource {
  /** What becomes of those that came by a ring. */
  readonly answers: Answers;
  /** The next call of any caller; undefined when there is none. */
  take(): IncomingCall | undefined;
  /** A call that came by message and has a place in its caller's order. */
  hold(call: CallMessage): void;
  /** A caller's call does not come. */
  skip(caller: ClientId, sequence: number): void;
  /** The actor's code runs from now on, until `rests`. */
  begins(): void;
  rests(): void;
}

/** What a caller's calls name by a number. */
export interface CalledMethod {
  readonly method: string;
  readonly name: string;
  readonly group: number;
}

/** One caller of this thread's actor, or actors. */
export class CallerLine implements Asker {
  readonly caller: ClientId;
  readonly calls: RingReader;
  readonly results: RingWriter;
  readonly bell: Bell;
  readonly methods: CalledMethod[] = [];
  /** The caller's thread has ended: nobody reads results. */
  hasEnded = false;

  constructor(caller: ClientId, { calls, results, words }: LineRings) {
    this.caller = caller;
    this.calls = new RingReader(calls);
    this.results = new RingWriter(results);
    this.bell = new Bell(words);
  }

  show(): boolean {
    const isAwaited = this.calls.release();
    return this.results.publish() || isAwaited;
  }
}

/**
 * The calls to this thread's actor. Those of one caller are given out in the order in which they were made, by whichever
 * way each of them came: the next one is at the front of the ring, or comes by message.
 */
export class CallerLines implements CallSource {
  readonly #lines = new Map<ClientId, CallerLine>();
  readonly #orders = new Map<ClientId, CallOrder>();
  readonly #reader = new WordReader();
  readonly answers: Answers;

  constructor(outbox: Outbox<WorkerMessage>) {
    this.answers = new Answers(outbox);
  }

  add({ caller, rings, begun }: WorkerCommand & { type: "caller" }): void {
    if (rings !== undefined) this.#lines.set(caller, new CallerLine(caller, rings));
    this.#orderOf(caller).noteIn(begun);
  }

  /** A caller's thread has ended: the calls that it made are run, and not answered. */
  end(caller: ClientId): void {
    const line = this.#lines.get(caller);
    if (line !== undefined) line.hasEnded = true;
  }

  hold(message: CallMessage): void {
    const order = this.#orderOf(message.caller);
    order.held.set(message.sequence, callOf(message, order));
  }

  skip(caller: ClientId, sequence: number): void {
    this.#orderOf(caller).held.set(sequence, undefined);
  }

  take(): IncomingCall | undefined {
    for (const [caller, order] of this.#orders) {
      const call = order.held.size > 0 ? order.takeHeld() : undefined;
      if (call === undefined) continue;
      this.#rotate(caller);
      return call;
    }
    for (const line of this.#lines.values()) {
      const call = this.#takeFrom(line);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  /** Whose code runs on this thread is plain. */
  begins(): void {}

  rests(): void {}

  #takeFrom(line: CallerLine): IncomingCall | undefined {
    const { calls, caller } = line;
    const { words } = calls;
    const order = this.#orderOf(caller);
    for (;;) {
      const at = calls.peek();
      if (at < 0) {
        // Those that wait for room may be what the calls that came wait for.
        if (calls.release()) line.bell.ring();
        if (line.hasEnded) this.#lines.delete(caller);
        return undefined;
      }
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
        const [method, name, group] = args as [string, string, number];
        line.methods[callee] = { method, name, group };
        continue;
      }
      order.next += 1;
      const task = caller * 2 ** 32 + number;
      const { method, name, group } = line.methods[callee]!;
      return { task, method, name, group, args, order, sequence, line, facts };
    }
  }

  #orderOf(caller: ClientId): CallOrder {
    let order = this.#orders.get(caller);
    if (order === undefined) {
      order = new CallOrder();
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
