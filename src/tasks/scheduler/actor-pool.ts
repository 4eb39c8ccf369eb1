import type { ActorId, ClientId, DeathReason, FailReason, Instruction, TaskId, WorkerId } from "./events.js";
import { Queue } from "./queue.js";
import { type Demand, type Grant, type ResourceLedger, shapeOf } from "./resources.js";

/** A call of an actor's method; `ready` once its arguments are. */
export interface ActorCall {
  readonly id: TaskId;
  readonly actor: ActorId;
  readonly caller: ClientId;
  ready: boolean;
  /** How often it may run again after it had begun on a thread that ended. */
  retriesLeft: number;
  /** Of one with a place in an order that its caller gives: for which of the actor's lives. It waits for that life. */
  life: number | undefined;
}

export interface ActorTraits {
  /** Whether it lives with others on one thread. */
  readonly shared: boolean;
  /** How often it is made anew when its thread ends, -1 for ever. */
  readonly maxRestarts: number;
}

/** An actor that is not dead. */
interface Actor {
  readonly id: ActorId;
  readonly demand: Demand;
  readonly shared: boolean;
  readonly mayRestart: boolean;
  restartsLeft: number;
  /** How often it was made anew. */
  life: number;
  /** It, or its thread, was told to end, so that it is made anew. */
  isEnding: boolean;
  state: "waiting" | "placing" | "starting" | "alive" | "paused";
  thread?: Thread | undefined;
  grant?: Grant;
  /** Calls that were not sent yet, by caller. */
  readonly queues: Map<ClientId, Queue<ActorCall>>;
  readonly running: Map<TaskId, ActorCall>;
}

/** A thread with its actors: one, or any number of shared ones. */
interface Thread {
  readonly worker: WorkerId;
  readonly tenants: Set<Actor>;
  up: boolean;
}

/**
 * Actors, each on a thread of its own, or shared ones spread evenly over as many threads as there are CPUs. Calls of one
 * caller reach the actor in the order in which they were made: one that waits for an argument holds back those after it. An
 * actor that is made anew keeps the resources that it holds, and its calls: those that had not begun, and those that may run
 * again.
 */
export class ActorPool {
  readonly #ledger: ResourceLedger;
  readonly #emit: (instruction: Instruction) => void;
  readonly #nextWorker: () => WorkerId;
  readonly #actors = new Map<ActorId, Actor>();
  readonly #threads = new Map<WorkerId, Thread>();
  /** The threads of shared actors. One without any is kept for the next. */
  readonly #hosts = new Set<Thread>();
  readonly #hostLimit: number;
  /** Calls that were sent and did not end. */
  readonly #running = new Map<TaskId, Actor>();
  /** Actors that wait for resources, by what they ask for: who asks for much holds nobody else back. */
  readonly #placing = new Map<string, Queue<Actor>>();

  constructor(
    ledger: ResourceLedger,
    hostLimit: number,
    emit: (instruction: Instruction) => void,
    nextWorker: () => WorkerId,
  ) {
    this.#ledger = ledger;
    this.#hostLimit = Math.max(1, hostLimit);
    this.#emit = emit;
    this.#nextWorker = nextWorker;
  }

  has(worker: WorkerId): boolean {
    return this.#threads.has(worker);
  }

  /** How many actors are not dead. */
  get size(): number {
    return this.#actors.size;
  }

  create(id: ActorId, demand: Demand, { shared, maxRestarts }: ActorTraits): void {
    this.#actors.set(id, {
      id,
      demand,
      shared,
      mayRestart: maxRestarts !== 0,
      restartsLeft: maxRestarts < 0 ? Number.POSITIVE_INFINITY : maxRestarts,
      life: 0,
      isEnding: false,
      state: "waiting",
      queues: new Map(),
      running: new Map(),
    });
  }

  /** The constructor's arguments are ready. */
  ready(id: ActorId): void {
    const actor = this.#actors.get(id);
    if (actor === undefined) return;
    actor.state = "placing";
    const shape = shapeOf(actor.demand);
    const queue = this.#placing.get(shape) ?? new Queue();
    queue.push(actor);
    this.#placing.set(shape, queue);
  }

  call(call: ActorCall): void {
    const actor = this.#actors.get(call.actor);
    if (actor === undefined) {
      this.#emit({ type: "fail", task: call.id, reason: { kind: "actor", actor: call.actor } });
      return;
    }
    this.#enqueue(actor, call);
    this.#send(actor, call.caller);
  }

  callReady(call: ActorCall): void {
    call.ready = true;
    const actor = this.#actors.get(call.actor);
    if (actor !== undefined) this.#send(actor, call.caller);
  }

  /** Calls of this caller that had places for a past life have got some for this one. */
  placed(id: ActorId, caller: ClientId, tasks: ReadonlySet<TaskId>, life: number): void {
    const actor = this.#actors.get(id);
    const queue = actor?.queues.get(caller);
    if (queue === undefined) return;
    for (const call of queue) if (tasks.has(call.id)) call.life = life;
    this.#send(actor!, caller);
  }

  /** Takes back a call that was not sent yet; returns false when it was. */
  withdraw(call: ActorCall, reason: FailReason): boolean {
    const actor = this.#actors.get(call.actor);
    if (!actor?.queues.get(call.caller)?.remove(call)) return false;
    this.#emit({ type: "fail", task: call.id, reason });
    this.#send(actor, call.caller);
    return true;
  }

  /** Takes back a call that waits for its turn; returns false when there is none. */
  cancel(id: TaskId): boolean {
    if (this.#running.has(id)) return false;
    for (const actor of this.#actors.values()) {
      for (const queue of actor.queues.values()) {
        for (const call of queue) if (call.id === id) return this.withdraw(call, { kind: "cancelled" });
      }
    }
    return false;
  }

  /** The thread that has a call. */
  workerOf(task: TaskId): WorkerId | undefined {
    return this.#running.get(task)?.thread?.worker;
  }

  started(worker: WorkerId): void {
    const thread = this.#threads.get(worker);
    if (thread === undefined) return;
    thread.up = true;
    for (const actor of thread.tenants) this.#begin(actor, thread);
  }

  finished(task: TaskId): void {
    this.#running.get(task)?.running.delete(task);
    this.#running.delete(task);
  }

  /**
   * A thread has ended that had begun these calls. Where it is known whose call ended it, the other actors are made anew
   * without being charged for it. One that is to pause has no thread until it `rested`.
   */
  died(worker: WorkerId, began: ReadonlySet<TaskId>, guilty: ActorId | undefined, paused: ActorId | undefined): void {
    const thread = this.#threads.get(worker);
    if (thread === undefined) return;
    this.#threads.delete(worker);
    this.#hosts.delete(thread);
    for (const actor of [...thread.tenants]) {
      const isCharged = guilty === undefined || guilty === actor.id;
      if (!actor.mayRestart || (isCharged && actor.restartsLeft === 0)) this.end(actor.id, { kind: "worker", worker });
      else this.#restart(actor, thread, began, { isCharged, pauses: actor.id === paused });
    }
  }

  /** Starts an actor that paused. */
  rested(id: ActorId): void {
    const actor = this.#actors.get(id);
    if (actor?.state === "paused") this.#settle(actor);
  }

  /** Ends an actor's thread, or makes a shared one leave it, so that it is made anew; the actor, where it may not be. */
  interrupt(id: ActorId): void {
    const actor = this.#actors.get(id);
    if (actor === undefined || actor.isEnding) return;
    if (actor.restartsLeft === 0) {
      this.end(id, { kind: "killed" });
      return;
    }
    const { thread, shared, state } = actor;
    if (thread === undefined || (shared && state !== "alive")) return;
    const { worker } = thread;
    actor.isEnding = true;
    this.#emit(shared ? { type: "evict", worker, actor: id, again: true } : { type: "terminate", worker });
  }

  /** A shared actor has left its thread after it had begun these calls. */
  evicted(id: ActorId, began: ReadonlySet<TaskId>): void {
    const actor = this.#actors.get(id);
    if (actor?.isEnding) this.#restart(actor, actor.thread!, began, { isCharged: true, pauses: false });
  }

  /** Ends an actor and fails its calls. Ending it twice is no error. */
  end(id: ActorId, reason: DeathReason): void {
    const actor = this.#actors.get(id);
    if (actor === undefined) return;
    this.#actors.delete(id);
    if (actor.state === "placing") this.#placing.get(shapeOf(actor.demand))?.remove(actor);
    if (actor.grant !== undefined) this.#ledger.give(actor.grant);
    this.#emit({ type: "dead", actor: id, reason });
    if (actor.thread !== undefined) this.#leave(actor, actor.thread);
    const failure: FailReason = { kind: "actor", actor: id };
    for (const task of actor.running.keys()) {
      this.#running.delete(task);
      this.#emit({ type: "fail", task, reason: failure });
    }
    for (const queue of actor.queues.values()) {
      for (const call of queue) this.#emit({ type: "fail", task: call.id, reason: failure });
    }
  }

  /** Starts threads for the actors whose resources are free, among equals first come first served. */
  dispatch(): void {
    for (const [shape, queue] of this.#placing) {
      for (let actor = queue.peek(); actor !== undefined && this.#ledger.fits(actor.demand); actor = queue.peek()) {
        queue.shift();
        this.#place(actor);
      }
      if (queue.length === 0) this.#placing.delete(shape);
    }
  }

  /** What actors ask for that wait for resources: the first of each kind. */
  *waiting(): Iterable<Demand> {
    for (const queue of this.#placing.values()) {
      const actor = queue.peek();
      if (actor !== undefined) yield actor.demand;
    }
  }

  #place(actor: Actor): void {
    actor.grant = this.#ledger.take(actor.demand);
    this.#settle(actor);
  }

  /** Gives an actor its thread. */
  #settle(actor: Actor): void {
    actor.state = "starting";
    actor.isEnding = false;
    const thread = actor.shared ? this.#host() : this.#open(actor.id);
    actor.thread = thread;
    thread.tenants.add(actor);
    if (thread.up) this.#begin(actor, thread);
  }

  /** Starts a thread: for one actor, or for shared ones. */
  #open(actor: ActorId | undefined): Thread {
    const worker = this.#nextWorker();
    const thread: Thread = { worker, tenants: new Set(), up: false };
    this.#threads.set(worker, thread);
    if (actor === undefined) this.#hosts.add(thread);
    this.#emit(actor === undefined ? { type: "host", worker } : { type: "start", worker, actor });
    return thread;
  }

  /** The thread with the fewest shared actors; a new one rather than a second actor on one, as long as that is allowed. */
  #host(): Thread {
    let emptiest: Thread | undefined;
    for (const host of this.#hosts) {
      if (emptiest === undefined || host.tenants.size < emptiest.tenants.size) emptiest = host;
    }
    const isFree = emptiest?.tenants.size === 0;
    return emptiest !== undefined && (isFree || this.#hosts.size >= this.#hostLimit) ? emptiest : this.#open(undefined);
  }

  #restart(
    actor: Actor,
    { worker, tenants }: Thread,
    began: ReadonlySet<TaskId>,
    { isCharged, pauses }: { isCharged: boolean; pauses: boolean },
  ): void {
    if (isCharged) actor.restartsLeft -= 1;
    actor.life += 1;
    tenants.delete(actor);
    this.#emit({ type: "restarting", actor: actor.id, worker });
    const waiting = [...actor.queues.values()];
    const sent = [...actor.running.values()];
    actor.queues.clear();
    actor.running.clear();
    for (const call of sent) {
      this.#running.delete(call.id);
      if (!began.has(call.id)) this.#enqueue(actor, call);
      else if (call.retriesLeft > 0) {
        call.retriesLeft -= 1;
        this.#enqueue(actor, call);
      } else this.#emit({ type: "fail", task: call.id, reason: { kind: "restarted", worker } });
    }
    for (const queue of waiting) for (const call of queue) this.#enqueue(actor, call);
    if (!pauses) {
      this.#settle(actor);
      return;
    }
    actor.state = "paused";
    actor.isEnding = false;
    actor.thread = undefined;
  }

  #enqueue(actor: Actor, call: ActorCall): void {
    const queue = actor.queues.get(call.caller) ?? new Queue<ActorCall>();
    queue.push(call);
    actor.queues.set(call.caller, queue);
  }

  #begin(actor: Actor, { worker }: Thread): void {
    actor.state = "alive";
    const gpus = actor.grant!.gpus.map(({ gpu }) => gpu);
    this.#emit({ type: "construct", worker, actor: actor.id, gpus });
    for (const caller of [...actor.queues.keys()]) this.#send(actor, caller);
  }

  /** An actor that ended leaves its thread, which ends with it unless it is for others, too, or has ended before. */
  #leave(actor: Actor, thread: Thread): void {
    const { worker, tenants } = thread;
    tenants.delete(actor);
    if (!this.#threads.has(worker)) return;
    if (actor.shared) {
      if (thread.up) this.#emit({ type: "evict", worker, actor: actor.id, again: false });
      return;
    }
    this.#threads.delete(worker);
    this.#emit({ type: "stop", worker });
  }

  #send(actor: Actor, caller: ClientId): void {
    if (actor.state !== "alive") return;
    const queue = actor.queues.get(caller);
    const { life } = actor;
    const { worker } = actor.thread!;
    for (let call = queue?.peek(); call?.ready && (call.life ?? life) === life; call = queue!.peek()) {
      queue!.shift();
      actor.running.set(call.id, call);
      this.#running.set(call.id, actor);
      this.#emit({ type: "call", worker, task: call.id });
    }
    if (queue?.length === 0) actor.queues.delete(caller);
  }
}
