import type { StoredValue } from "../../store/value.js";
import type { CallList } from "../call-list.js";
import type { Failure } from "../failure.js";
import { actorDied, callInterrupted, cancelled } from "../host/reasons.js";
import type { ClientReply, LineRings, Outcome } from "../protocol.js";
import type { Returns } from "../returns.js";
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
import { WordReader } from "../rings/words.js";
import type { ActorId, ClientId, WorkerId } from "../scheduler/events.js";
import { Queue } from "../scheduler/queue.js";
import { Dependency, type OwnArgument } from "./dependency.js";
import { type OwnedObjects, objectState } from "./owned-objects.js";

/** What its thread's client does for it. */
export interface ActorLinesOptions {
  /** Asks the node to introduce this thread to an actor. */
  meet(actor: ActorId): void;
  settle(number: number, outcome: Outcome): void;
  /** As `settle`, for a call of which the node may have an outcome that a thread gave it right before it ended. */
  settleAnew(number: number, outcome: Outcome): void;
  /** The node has the outcome, or will have it. */
  moved(number: number): void;
  /** Sends a call through the node, with its place in the order of its line; where the actor may restart, the node says when it has ended. */
  byNode(call: LineCall, life: number, mayRestart: boolean): void;
  /** The actor has given the outcome of a call that came by a ring to the node. */
  deposited(number: number): void;
  /** Calls that the node has got places for this life of the actor. */
  placed(actor: ActorId, life: number, calls: readonly LineCall[]): void;
  /** A callee's name, for errors. */
  nameOf(callee: number): string;
  /** A number for a method of one actor, where the method's alone does not say which. */
  calleeFor(actor: ActorId, name: string): number;
  /** A call ended without the actor's word. */
  unrun(call: UnrunCall, failure: Failure): void;
}

/** A call of a method, until it was sent; where the actor may be made anew, until its result was read. */
export interface LineCall {
  readonly actor: ActorId;
  readonly number: number;
  readonly callee: number;
  readonly name: string;
  readonly method: string;
  /** Its concurrency group. */
  readonly group: number;
  readonly args: OwnArgument[];
  /** What the arguments were made from, if something in them is counted and must not be collected before it was sent. */
  readonly origin: readonly unknown[] | undefined;
  readonly parent: number;
  readonly submitted: number;
  /** How often it may run again when its actor's thread ends under it, -1 for ever. */
  retriesLeft: number;
  /** How often it began in a past life of the actor. */
  attempt: number;
  /** Its place in the order of the line. */
  sequence: number;
  /** What it makes, where that is not one object. */
  readonly returns: Returns | undefined;
}

/** What is said of a call that its actor did not answer. */
export type UnrunCall = Pick<LineCall, "actor" | "number" | "callee" | "name" | "parent" | "submitted" | "attempt"> & {
  readonly args?: readonly OwnArgument[];
};

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
  /** Whether it is about to be looked through for calls of actors that have left the thread. */
  cut: boolean;
  /** The lines of those that are to be made anew. */
  readonly left: Line[];
  /** Whether the thread has ended. */
  gone: boolean;
}

interface Sent {
  readonly number: number;
  readonly callee: number;
  readonly parent: number;
  readonly submitted: number;
  readonly line: Line;
  /** The call itself, if it may have to be sent again. */
  readonly call: LineCall | undefined;
}

/** This thread's connection to one actor. */
interface Line {
  readonly actor: ActorId;
  /** Calls that wait for the introduction or for an argument, in order. */
  queue: Queue<LineCall>;
  /** Calls that went by the node and have not ended, if the actor may be made anew. */
  readonly atNode: Map<number, LineCall>;
  /** Methods that the actor was told the names of, by which number. */
  readonly told: Map<number, number>;
  sequence: number;
  link: Link | undefined;
  /** How often the actor was made anew. */
  life: number;
  /** Where the actor notes, by group, how far it has begun the calls of this line; absent for one that is never made anew. */
  begun: Int32Array | undefined;
  /** The result that the first of the queue waits for. */
  waitsFor: number | undefined;
  /** After `kill`, nothing is sent until the node says how it ended. */
  killed: boolean;
  /** The thread that the actor has left and why, until the calls that were sent there were looked through. */
  broken: { readonly link: Link; readonly reason: string } | undefined;
  /** Why the actor is dead. */
  failure: Failure | undefined;
}

/** After so many calls in one turn, the actor is shown them before the turn is over. */
const showAfter = 512;

/** What the node says about this thread's lines. */
export type LineReply = ClientReply & { type: "line" | "lineBroken" | "lineEnded" | "callEnded" };

/**
 * Calls of this thread to actors, by one ring to each of their threads, so that calls arrive in the order in which they were
 * made. A call that does not fit the ring goes by the node; its number in the order holds back at the actor what comes
 * after it. When an actor is made anew, what it had not begun is sent again in the same order, and so is what it had begun
 * and may run again.
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
  /** Calls that were sent again and are not answered. */
  readonly #anew = new Set<number>();
  /** What is to be done once the calls of a line have ended. */
  readonly #whenIdle = new Map<ActorId, () => void>();
  #flushing = false;

  constructor(owned: OwnedObjects, options: ActorLinesOptions) {
    this.#owned = owned;
    this.#options = options;
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

  /** Lists the calls that have no result yet. */
  look(list: CallList, owner: ClientId): void {
    const known = { owner, attempt: 0, started: 0 };
    for (const { queue, actor } of this.#lines.values()) {
      for (const { number, callee, parent, submitted } of queue) {
        list.add({ ...known, number, callee, parent, submitted, actor });
      }
    }
    for (const { sent } of this.#links) {
      for (const { number, callee, parent, submitted, line } of sent) {
        if (this.#owned.stateOf(number) !== objectState.pending) continue;
        list.add({ ...known, number, callee, parent, submitted, actor: line.actor });
      }
    }
  }

  /** Makes a call, whose object is pending. */
  call(call: LineCall): void {
    const line = this.#lines.get(call.actor) ?? this.#open(call.actor);
    if (line.queue.length > 0 || !this.#send(line, call)) {
      line.queue.push(call);
      if (line.queue.length === 1) this.#await(line, call);
    }
  }

  /** This thread has killed the actor, or makes it start anew: nothing more is sent until the node says what follows. */
  kill(actor: ActorId, restart: boolean): void {
    const line = this.#lines.get(actor);
    // Without a link, it starts, and nothing was sent to the thread that ends.
    if (line !== undefined && !(restart && line.link === undefined)) line.killed = true;
  }

  /** Takes a call back that was not sent, and returns true; else returns the actor to which it was sent, undefined for none. */
  cancel(number: number): true | ActorId | undefined {
    // An object that is no actor's is not looked for.
    if (this.#owned.stateOf(number) !== objectState.none && !this.#owned.isOfActor(number)) return undefined;
    for (const { line, queued } of this.#find((call) => call.number === number)) {
      if (queued === undefined) return line.actor;
      line.queue.remove(queued);
      this.#refuse(queued, cancelled(queued.name));
      this.#sendQueued(line);
      return true;
    }
    return undefined;
  }

  /** The numbers of the calls that a task submitted and that may have no result yet. */
  childrenOf(parent: number): number[] {
    return [...this.#find((call) => call.parent === parent)].map(({ number }) => number);
  }

  /** Calls that wait here, and those that were sent. */
  *#find(
    isMeant: (call: LineCall | Sent) => boolean,
  ): Generator<{ readonly number: number; readonly line: Line; readonly queued: LineCall | undefined }, void> {
    for (const line of this.#lines.values()) {
      for (const queued of line.queue) {
        if (isMeant(queued) && !line.atNode.has(queued.number)) yield { number: queued.number, line, queued };
      }
    }
    for (const { sent } of this.#links) {
      for (const item of sent) if (isMeant(item)) yield { number: item.number, line: item.line, queued: undefined };
    }
  }

  receive(reply: LineReply): void {
    const line = this.#lines.get(reply.actor);
    if (line === undefined) return;
    if (reply.type === "callEnded") {
      line.atNode.delete(reply.task % 2 ** 32);
      return;
    }
    if (reply.type === "line") {
      // What was sent to its last thread is to be sent first.
      if (line.broken !== undefined) this.#cutNow(line.broken.link);
      line.link = reply.rings === undefined ? this.#shared.get(reply.worker) : this.#connect(reply, reply.rings);
      line.life = reply.life;
      line.begun = reply.begun && new Int32Array(reply.begun);
      this.#sendQueued(line);
      return;
    }
    const { link } = line;
    line.link = undefined;
    if (link !== undefined) {
      link.gone ||= reply.gone;
      this.#cut(link);
    }
    if (reply.type === "lineBroken") {
      line.killed = false;
      if (link !== undefined) {
        line.broken = { link, reason: reply.reason };
        link.left.push(line);
      }
      return;
    }
    line.failure = reply.failure;
    for (let call = line.queue.shift(); call !== undefined; call = line.queue.shift()) {
      if (!line.atNode.has(call.number)) this.#refuse(call, actorDied(call.name, reply.failure));
    }
    line.atNode.clear();
    // A later call is told so anew.
    this.#lines.delete(line.actor);
    if (this.#whenIdle.size > 0) queueMicrotask(() => this.#tellIdle());
  }

  /** An actor, or more of them, have left this thread: their calls fail, or are sent again, that they did not answer. */
  #cut(link: Link): void {
    if (link.cut) return;
    link.cut = true;
    if (!link.shared) this.#links.delete(link);
    // Once for all that the node told in this turn.
    queueMicrotask(() => this.#cutNow(link));
  }

  #cutNow(link: Link): void {
    if (!link.cut) return;
    link.cut = false;
    this.#readAll(link);
    const { sent } = link;
    const again = new Map<Line, LineCall[]>();
    link.sent = new Queue();
    for (const item of sent) {
      const { number, callee, parent, submitted, line, call } = item;
      const { actor, failure, broken } = line;
      if (this.#owned.stateOf(number) !== objectState.pending) continue;
      if (failure !== undefined) {
        const name = this.#options.nameOf(callee);
        const attempt = call?.attempt ?? 0;
        this.#giveUp({ actor, number, callee, name, parent, submitted, attempt }, actorDied(name, failure));
      } else if (broken === undefined) link.sent.push(item);
      else {
        const calls = again.get(line) ?? [];
        again.set(line, calls);
        if (this.#mayBeSentAgain(line, call!)) {
          calls.push(call!);
          this.#anew.add(number);
        } else this.#giveUp(call!, callInterrupted(call!.name, broken.reason));
      }
    }
    for (const line of link.left.splice(0)) if (line.broken?.link === link) this.#begin(line, again.get(line) ?? []);
  }

  /** A call that an actor had begun in its last life runs again only where that is allowed. */
  #mayBeSentAgain({ begun }: Line, call: LineCall): boolean {
    if (call.sequence >= begun![call.group]!) return true;
    call.attempt += 1;
    if (call.retriesLeft === 0) return false;
    if (call.retriesLeft > 0) call.retriesLeft -= 1;
    return true;
  }

  /** A new life of an actor: these calls, and those that the node has, come before those that were not sent yet. */
  #begin(line: Line, again: readonly LineCall[]): void {
    const calls = [...again, ...line.atNode.values()].sort((a, b) => a.sequence - b.sequence);
    const queue = new Queue<LineCall>();
    for (const call of calls) queue.push(call);
    for (const call of line.queue) queue.push(call);
    line.queue = queue;
    line.sequence = 0;
    line.told.clear();
    line.broken = undefined;
  }

  /** Calls `then` as soon as no call of this thread to the actor is open. */
  whenIdle(actor: ActorId, then: () => void): void {
    this.#whenIdle.set(actor, then);
    this.#tellIdle();
  }

  #tellIdle(): void {
    for (const [actor, then] of this.#whenIdle) {
      const line = this.#lines.get(actor);
      if (line !== undefined && this.#isBusy(line)) continue;
      this.#whenIdle.delete(actor);
      then();
    }
  }

  #isBusy(line: Line): boolean {
    if (line.queue.length > 0 || line.atNode.size > 0 || line.broken !== undefined) return true;
    for (const sent of line.link?.sent ?? []) {
      if (sent.line === line && this.#owned.stateOf(sent.number) === objectState.pending) return true;
    }
    return false;
  }

  /** A thread has ended, of which shared actors may have been. */
  ended(worker: WorkerId): void {
    const link = this.#shared.get(worker);
    if (link === undefined) return;
    this.#shared.delete(worker);
    this.#links.delete(link);
    link.gone = true;
    this.#readAll(link);
  }

  /** Reads what has come, and from a thread that has ended what it had completed, though not shown. */
  #readAll(link: Link): void {
    this.#read(link);
    if (!link.gone) return;
    link.results.salvage();
    this.#read(link);
  }

  /** Reads the results that have come. */
  pump(): void {
    for (const link of this.#links) {
      this.#read(link);
      if (link.calls.waits) this.#flush(link);
    }
    if (this.#whenIdle.size > 0) this.#tellIdle();
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
      left: [],
      gone: false,
    };
    this.#links.add(link);
    if (shared) this.#shared.set(worker, link);
    return link;
  }

  #open(actor: ActorId): Line {
    const line: Line = {
      actor,
      queue: new Queue(),
      atNode: new Map(),
      told: new Map(),
      sequence: 0,
      link: undefined,
      life: 0,
      begun: undefined,
      waitsFor: undefined,
      killed: false,
      broken: undefined,
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
    const length = away || call.returns !== undefined ? Number.POSITIVE_INFINITY : callWords(values);
    const sequence = line.sequence++;
    const mayRestart = line.begun !== undefined;
    call.sequence = sequence;
    if (length > link.calls.limit) {
      if (mayRestart) line.atNode.set(number, call);
      this.#options.byNode(call, line.life, mayRestart);
      this.#options.moved(number);
      return true;
    }
    const told = line.told.get(callee) ?? this.#tell(line, link, call);
    const { words, at } = link.calls.reserve(length);
    writeCall(words, at, length, number, told, call.parent, call.submitted, values);
    setSequence(words, at, sequence);
    const { parent, submitted } = call;
    link.sent.push({ number, callee, parent, submitted, line, call: mayRestart ? call : undefined });
    this.#soil(link);
    return true;
  }

  /** Tells the actor's thread what a number stands for, and returns it: of a method, and where there are many actors, of whose. */
  #tell(line: Line, link: Link, { actor, callee, name, method, group }: LineCall): number {
    const number = link.shared ? this.#options.calleeFor(actor, name) : callee;
    line.told.set(callee, number);
    const meaning = link.shared ? [method, name, group, actor, line.life] : [method, name, group];
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

  /** The first of the queue waits for its first argument that is not there; for the next one then. */
  #await(line: Line, { args }: LineCall): void {
    const isPending = (argument: OwnArgument): argument is Dependency =>
      argument instanceof Dependency && this.#owned.stateOf(argument.number) === objectState.pending;
    const number = args.find(isPending)?.number;
    if (number === undefined || number === line.waitsFor) return;
    line.waitsFor = number;
    this.#owned.wait(number, {
      settled: () => {
        if (line.waitsFor === number) line.waitsFor = undefined;
        this.#sendQueued(line);
      },
    });
  }

  #sendQueued(line: Line): void {
    const { atNode, life } = line;
    const placed: LineCall[] = [];
    for (let call = line.queue.peek(); call !== undefined; call = line.queue.peek()) {
      const isAway = this.#owned.stateOf(call.number) === objectState.away;
      if (isAway && line.link !== undefined && !line.killed) {
        // It went by the node in a past life, and has ended there or gets a new place.
        if (atNode.has(call.number)) {
          call.sequence = line.sequence++;
          placed.push(call);
        }
      } else if (isAway || !this.#send(line, call)) {
        this.#await(line, call);
        break;
      }
      line.queue.shift();
    }
    if (placed.length > 0) this.#options.placed(line.actor, life, placed);
  }

  #read({ results, sent }: Link): void {
    const { words } = results;
    let at = results.peek();
    if (at < 0) return;
    for (; at >= 0; at = results.peek()) {
      const number = resultNumberOf(words, at);
      const kind = resultKindOf(words, at);
      if (kind === resultKind.atNode) {
        this.#anew.delete(number);
        this.#options.deposited(number);
      } else {
        const value = readResult(this.#reader, words, at);
        const outcome = kind === resultKind.value ? { value } : { failure: unpackFailure(value) };
        if (this.#anew.size > 0 && this.#anew.delete(number)) this.#options.settleAnew(number, outcome);
        else this.#options.settle(number, outcome);
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

  /** Ends a call that was sent and that nobody answered. */
  #giveUp(call: UnrunCall, failure: Failure): void {
    this.#anew.delete(call.number);
    this.#options.unrun(call, failure);
    this.#options.settleAnew(call.number, { failure });
  }
}
