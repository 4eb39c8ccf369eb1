import type { StoredValue } from "../../store/value.js";
import type { Failure } from "../failure.js";
import { actorDied } from "../host/reasons.js";
import type { ClientReply, LineRings, Outcome } from "../protocol.js";
import { Bell } from "../rings/bell.js";
import { unpackFailure } from "../rings/failures.js";
import {
  callWords,
  readResult,
  resultKind,
  resultKindOf,
  resultNumberOf,
  setSequence,
  writeCall,
} from "../rings/records.js";
import { RingReader, RingWriter } from "../rings/ring.js";
import { fitsWords, WordReader } from "../rings/words.js";
import type { ActorId, WorkerId } from "../scheduler/events.js";
import { Queue } from "../scheduler/queue.js";
import { Dependency, type OwnArgument } from "./dependency.js";
import { type OwnedObjects, objectState, type Waiter } from "./owned-objects.js";

/** What its thread's client does for it. */
export interface ActorLinesOptions {
  /** Asks the node to introduce this thread to an actor. */
  meet(actor: ActorId): void;
  settle(number: number, outcome: Outcome): void;
  /** The node has the outcome, or will have it. */
  moved(number: number): void;
  /** Sends a call through the node, with its place in the order of this line. */
  byNode(call: LineCall, sequence: number): void;
  /** A number for a method of one actor, where the method's alone does not say which. */
  calleeFor(actor: ActorId, name: string): number;
  /** A call ended without the actor's word. */
  unrun(call: UnrunCall, failure: Failure): void;
}

/** A call of a method that was not sent yet. */
export interface LineCall {
  readonly actor: ActorId;
  readonly number: number;
  readonly callee: number;
  readonly name: string;
  readonly method: string;
  readonly args: OwnArgument[];
  readonly parent: number;
  readonly submitted: number;
}

/** What is said of a call that its actor did not answer. */
export type UnrunCall = Omit<LineCall, "args" | "method">;

/** The rings to one thread, which has one actor or many. */
interface Link {
  readonly shared: boolean;
  readonly calls: RingWriter;
  readonly results: RingReader;
  readonly bell: Bell;
  /** Calls that were sent by the ring, oldest first; those that are pending no more are struck off some time. */
  sent: Queue<Sent>;
  /** How many calls the thread was not shown yet. */
  hidden: number;
  /** Whether it is about to be looked through for calls of dead actors. */
  cut: boolean;
}

interface Sent {
  readonly number: number;
  readonly callee: number;
  readonly line: Line;
}

/** This thread's connection to one actor. */
interface Line {
  readonly actor: ActorId;
  /** Calls that wait for the introduction or for an argument, in order. */
  readonly queue: Queue<LineCall>;
  /** Methods that the actor was told the names of, by which number. */
  readonly told: Map<number, number>;
  sequence: number;
  link: Link | undefined;
  /** After `kill`, nothing is sent until the node says how it ended. */
  killed: boolean;
  /** Why the actor is dead. */
  failure: Failure | undefined;
}

/** After so many calls in one turn, the actor is shown them before the turn is over. */
const showAfter = 512;

/**
 * Calls of this thread to actors, by one ring to each of their threads, so that calls arrive in the order in which they were
 * made. A call that does not fit the ring goes by the node; its number in the order holds back at the actor what comes
 * after it.
 */
export class ActorLines {
  readonly #owned: OwnedObjects;
  readonly #options: ActorLinesOptions;
  readonly #lines = new Map<ActorId, Line>();
  readonly #links = new Set<Link>();
  /** Those to threads of shared actors. */
  readonly #shared = new Map<WorkerId, Link>();
  readonly #reader = new WordReader();
  readonly #dirty: Link[] = [];
  readonly #names: (callee: number) => string;
  #flushing = false;

  /** `names` gives a callee's name, for errors. */
  constructor(owned: OwnedObjects, options: ActorLinesOptions, names: (callee: number) => string) {
    this.#owned = owned;
    this.#options = options;
    this.#names = names;
  }

  /** How many calls have no result yet. */
  get size(): number {
    let size = 0;
    for (const { queue } of this.#lines.values()) size += queue.length;
    for (const { sent } of this.#links) {
      for (const { number } of sent) if (this.#owned.stateOf(number) === objectState.pending) size += 1;
    }
    return size;
  }

  /** Makes a call, whose object is pending. */
  call(call: LineCall): void {
    const line = this.#lines.get(call.actor) ?? this.#open(call.actor);
    if (line.failure !== undefined) this.#refuse(call, actorDied(call.name, line.failure));
    else if (line.queue.length > 0 || !this.#send(line, call)) {
      line.queue.push(call);
      if (line.queue.length === 1) this.#await(line, call);
    }
  }

  /** Nothing more is sent: this thread has killed the actor. */
  kill(actor: ActorId): void {
    const line = this.#lines.get(actor);
    if (line !== undefined) line.killed = true;
  }

  receive(reply: ClientReply & { type: "line" | "lineEnded" }): void {
    const line = this.#lines.get(reply.actor);
    if (line === undefined) return;
    if (reply.type === "line") {
      line.link = reply.rings === undefined ? this.#shared.get(reply.worker) : this.#connect(reply, reply.rings);
      this.#sendQueued(line);
      return;
    }
    line.failure = reply.failure;
    if (line.link !== undefined) this.#cut(line.link);
    line.link = undefined;
    for (let call = line.queue.shift(); call !== undefined; call = line.queue.shift()) {
      this.#refuse(call, actorDied(call.name, reply.failure));
    }
  }

  /** An actor of this thread, or more of them, are dead: their calls fail that they did not answer. */
  #cut(link: Link): void {
    if (link.cut) return;
    link.cut = true;
    if (!link.shared) this.#links.delete(link);
    // Once for all that the node told in this turn.
    queueMicrotask(() => {
      this.#read(link);
      const { sent } = link;
      const submitted = Date.now();
      link.sent = new Queue();
      link.cut = false;
      for (const call of sent) {
        const { number, callee, line } = call;
        if (this.#owned.stateOf(number) !== objectState.pending) continue;
        if (line.failure === undefined) {
          link.sent.push(call);
          continue;
        }
        const name = this.#names(callee);
        this.#refuse({ actor: line.actor, number, callee, name, parent: 0, submitted }, actorDied(name, line.failure));
      }
    });
  }

  /** A thread has ended, of which shared actors may have been. */
  ended(worker: WorkerId): void {
    const link = this.#shared.get(worker);
    if (link === undefined) return;
    this.#shared.delete(worker);
    this.#links.delete(link);
    this.#read(link);
  }

  /** Reads the results that have come. */
  pump(): void {
    for (const link of this.#links) {
      this.#read(link);
      if (link.calls.waits) this.#flush(link);
    }
  }

  #connect({ worker, shared }: { worker: WorkerId; shared: boolean }, rings: LineRings): Link {
    const link: Link = {
      shared,
      calls: new RingWriter(rings.calls),
      results: new RingReader(rings.results),
      bell: new Bell(rings.words),
      sent: new Queue(),
      hidden: 0,
      cut: false,
    };
    this.#links.add(link);
    if (shared) this.#shared.set(worker, link);
    return link;
  }

  #open(actor: ActorId): Line {
    const line: Line = {
      actor,
      queue: new Queue(),
      told: new Map(),
      sequence: 0,
      link: undefined,
      killed: false,
      failure: undefined,
    };
    this.#lines.set(actor, line);
    this.#options.meet(actor);
    return line;
  }

  /** Sends a call if it can be sent now; one that cannot be made ends here. */
  #send(line: Line, call: LineCall): boolean {
    const { link } = line;
    if (link === undefined || line.killed) return false;
    const { args, number, callee } = call;
    let away = false;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (!(argument instanceof Dependency)) continue;
      const state = this.#owned.stateOf(argument.number);
      if (state === objectState.pending) return false;
      if (state === objectState.failure) {
        this.#refuse(call, this.#owned.failureOf(argument.number));
        return true;
      }
      if (state === objectState.value) args[i] = this.#owned.valueOf(argument.number);
      else away = true;
    }
    const values = args as StoredValue[];
    const length = away || !values.every(fitsWords) ? Number.POSITIVE_INFINITY : callWords(values);
    const sequence = line.sequence++;
    if (length > link.calls.limit) {
      this.#options.byNode(call, sequence);
      this.#options.moved(number);
      return true;
    }
    const told = line.told.get(callee) ?? this.#tell(line, link, call);
    const { words, at } = link.calls.reserve(length);
    writeCall(words, at, length, number, told, call.parent, call.submitted, values);
    setSequence(words, at, sequence);
    link.sent.push({ number, callee, line });
    this.#soil(link);
    return true;
  }

  /** Tells the actor's thread what a number stands for, and returns it: of a method, and where there are many actors, of whose. */
  #tell(line: Line, link: Link, { actor, callee, name, method }: LineCall): number {
    const number = link.shared ? this.#options.calleeFor(actor, name) : callee;
    line.told.set(callee, number);
    const meaning = link.shared ? [method, actor] : [method];
    const length = callWords(meaning);
    const { words, at } = link.calls.reserve(length);
    writeCall(words, at, length, -1, number, 0, 0, meaning);
    setSequence(words, at, -1);
    return number;
  }

  #soil(link: Link): void {
    link.hidden += 1;
    if (link.hidden === 1) this.#dirty.push(link);
    else if (link.hidden % showAfter === 0) this.#flush(link);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.flush());
  }

  /** Shows actors now what was sent in this turn. */
  flush(): void {
    if (!this.#flushing) return;
    this.#flushing = false;
    for (const soiled of this.#dirty.splice(0)) {
      soiled.hidden = 0;
      this.#flush(soiled);
    }
  }

  #flush({ calls, bell }: Link): void {
    if (calls.publish()) bell.ring();
  }

  /** The first of the queue waits for its arguments. */
  #await(line: Line, call: LineCall): void {
    const waiter: Waiter = { settled: () => this.#sendQueued(line) };
    for (const argument of call.args) {
      if (!(argument instanceof Dependency)) continue;
      if (this.#owned.stateOf(argument.number) === objectState.pending) this.#owned.wait(argument.number, waiter);
    }
  }

  #sendQueued(line: Line): void {
    for (let call = line.queue.peek(); call !== undefined; call = line.queue.peek()) {
      if (!this.#send(line, call)) {
        this.#await(line, call);
        return;
      }
      line.queue.shift();
    }
  }

  #read({ results, sent }: Link): void {
    const { words } = results;
    let at = results.peek();
    if (at < 0) return;
    for (; at >= 0; at = results.peek()) {
      const number = resultNumberOf(words, at);
      const kind = resultKindOf(words, at);
      if (kind === resultKind.atNode) this.#options.moved(number);
      else {
        const value = readResult(this.#reader, words, at);
        this.#options.settle(number, kind === resultKind.value ? { value } : { failure: unpackFailure(value) });
      }
      results.advance(at);
    }
    results.release();
    for (let first = sent.peek(); first !== undefined; first = sent.peek()) {
      if (this.#owned.stateOf(first.number) === objectState.pending) return;
      sent.shift();
    }
  }

  #refuse(call: UnrunCall, failure: Failure): void {
    this.#options.unrun(call, failure);
    this.#options.settle(call.number, { failure });
  }
}
