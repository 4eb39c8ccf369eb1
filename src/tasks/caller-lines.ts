import type { StoredValue } from "../store/value.js";
import { Answers, type Asker } from "./answers.js";
import type { CallFacts } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { LineRings, WorkerCommand, WorkerMessage } from "./protocol.js";
import { Bell } from "./rings/bell.js";
import { calleeOf, readArguments, readFacts, sequenceOf } from "./rings/records.js";
import { RingReader, RingWriter } from "./rings/ring.js";
import { WordReader } from "./rings/words.js";
import type { ActorId, ClientId, TaskId } from "./scheduler/events.js";

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
  /** The actor's code runs from now on, until `rests`: for whom it is not plain whose code runs on this thread. */
  begins?(): void;
  rests?(): void;
}

/** What a caller's calls name by a number: a method, and on a thread of many actors, of which life of which of them. */
export interface CalledMethod {
  readonly method: string;
  readonly name: string;
  readonly group: number;
  readonly actor: ActorId | undefined;
  readonly life: number | undefined;
}

/** The orders of an actor's callers. */
export class CallOrders {
  readonly #orders = new Map<ClientId, CallOrder>();

  of(caller: ClientId): CallOrder {
    let order = this.#orders.get(caller);
    if (order === undefined) {
      order = new CallOrder();
      this.#orders.set(caller, order);
    }
    return order;
  }
}

/** One caller of this thread's actor, or actors. */
export class CallerLine implements Asker {
  readonly caller: ClientId;
  readonly calls: RingReader;
  readonly results: RingWriter;
  readonly bell: Bell;
  /** The caller's thread has ended: nobody reads results. */
  hasEnded = false;
  readonly #methods: CalledMethod[] = [];
  readonly #reader = new WordReader();

  constructor(caller: ClientId, { calls, results, words }: LineRings) {
    this.caller = caller;
    this.calls = new RingReader(calls);
    this.results = new RingWriter(results);
    this.bell = new Bell(words);
  }

  /** Where its next call lies, -1 when there is none. It stays there until `take` or `skip`. */
  peek(): number {
    const { calls } = this;
    for (let at = calls.peek(); at >= 0; at = calls.peek()) {
      if (sequenceOf(calls.words, at) >= 0) return at;
      this.#learn(at);
      calls.advance(at);
    }
    // Those that wait for room may be what the calls that came wait for.
    if (calls.release()) this.bell.ring();
    return -1;
  }

  /** What the call at `at` calls. */
  methodAt(at: number): CalledMethod {
    return this.#methods[calleeOf(this.calls.words, at)]!;
  }

  /** Takes its next call, if that is next in its order, too. */
  next(order: CallOrder): IncomingCall | undefined {
    const at = this.peek();
    if (at < 0 || sequenceOf(this.calls.words, at) !== order.next) return undefined;
    order.next += 1;
    return this.take(at, order);
  }

  /** Takes the call at `at`. */
  take(at: number, order: CallOrder): IncomingCall {
    const { calls } = this;
    const { words } = calls;
    const args = readArguments(this.#reader, words, at);
    const facts = readFacts(words, at, 1);
    const sequence = sequenceOf(words, at);
    calls.advance(at);
    const { method, name, group } = this.#methods[facts.calleeNumber]!;
    const task = this.caller * 2 ** 32 + facts.number;
    return { task, method, name, group, args, order, sequence, line: this, facts };
  }

  /** Leaves the call at `at` out. */
  skip(at: number): void {
    this.calls.advance(at);
  }

  /** A record says what calls mean by a number. */
  #learn(at: number): void {
    const { words } = this.calls;
    const said = readArguments(this.#reader, words, at);
    const [method, name, group, actor, life] = said as [string, string, number, ActorId?, number?];
    this.#methods[calleeOf(words, at)] = { method, name, group, actor, life };
  }

  show(): boolean {
    const isAwaited = this.calls.release();
    return this.results.publish() || isAwaited;
  }
}

/** After so many calls of one caller those of the others are next. */
const callsInTurn = 256;

/**
 * The calls to this thread's actor. Those of one caller are given out in the order in which they were made, by whichever
 * way each of them came: the next one is at the front of the ring, or comes by message.
 */
export class CallerLines implements CallSource {
  readonly answers: Answers;
  readonly #lines: { readonly line: CallerLine; readonly order: CallOrder }[] = [];
  /** Which of them is next, and how many calls it has given in its turn. */
  #next = 0;
  #given = 0;
  readonly #orders = new CallOrders();
  /** Those that have calls which came by message. */
  readonly #holding = new Set<CallOrder>();

  constructor(outbox: Outbox<WorkerMessage>) {
    this.answers = new Answers(outbox);
  }

  add({ caller, rings, begun }: WorkerCommand & { type: "caller" }): void {
    const order = this.#orders.of(caller);
    order.noteIn(begun);
    if (rings !== undefined) this.#lines.push({ line: new CallerLine(caller, rings), order });
  }

  /** A caller's thread has ended: the calls that it made are run, and not answered. */
  end(caller: ClientId): void {
    for (const { line } of this.#lines) if (line.caller === caller) line.hasEnded = true;
  }

  hold(message: CallMessage): void {
    const order = this.#orders.of(message.caller);
    order.held.set(message.sequence, callOf(message, order));
    this.#holding.add(order);
  }

  skip(caller: ClientId, sequence: number): void {
    const order = this.#orders.of(caller);
    order.held.set(sequence, undefined);
    this.#holding.add(order);
  }

  take(): IncomingCall | undefined {
    return (this.#holding.size > 0 ? this.#takeHeld() : undefined) ?? this.#takeWaiting();
  }

  #takeHeld(): IncomingCall | undefined {
    for (const order of this.#holding) {
      const call = order.takeHeld();
      if (call === undefined && order.held.size > 0) continue;
      // The others go first next time.
      this.#holding.delete(order);
      if (order.held.size > 0) this.#holding.add(order);
      if (call !== undefined) return call;
    }
    return undefined;
  }

  #takeWaiting(): IncomingCall | undefined {
    const lines = this.#lines;
    if (this.#given === callsInTurn) this.#turn(1);
    for (let tries = lines.length; tries > 0; tries--) {
      const { line, order } = lines[this.#next]!;
      const call = line.next(order);
      if (call !== undefined) {
        this.#given += 1;
        return call;
      }
      if (line.hasEnded && line.peek() < 0) {
        lines.splice(this.#next, 1);
        this.#turn(0);
      } else this.#turn(1);
    }
    return undefined;
  }

  /** The line that is so many further is next. */
  #turn(by: number): void {
    this.#given = 0;
    this.#next += by;
    if (this.#next >= this.#lines.length) this.#next = 0;
  }
}
