import type { ActorId, ClientId, DeathReason, FailReason, Instruction, TaskId, WorkerId } from "./events.js";
import { Queue } from "./queue.js";
import { type Demand, type Grant, type ResourceLedger, shapeOf } from "./resources.js";

/** A call of an actor's method; `ready` once its arguments are. */
export interface ActorCall {
  readonly id: TaskId;
  readonly actor: ActorId;
  readonly caller: ClientId;
  ready: boolean;
}

/** An actor that is not dead. */
interface Actor {
  readonly id: ActorId;
  readonly demand: Demand;
  /** Whether it lives with others on one thread. */
  readonly shared: boolean;
  state: "waiting" | "placing" | "starting" | "alive";
  thread?: Thread;
  grant?: Grant;
  /** Calls that were not sent yet, by caller. */
  readonly queues: Map<ClientId, Queue<ActorCall>>;
  readonly running: Set<TaskId>;
}

/** A thread with its actors: one, or any number of shared ones. */
interface Thread {
  readonly worker: WorkerId;
  readonly tenants: Set<Actor>;
  up: boolean;
}

/**
 * Actors, each on a thread of its own, or shared ones spread evenly over as many threads as there are CPUs. Calls of one caller reach the actor in the order in which they were made: one
 * that waits for an argument holds back those after it.
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

  create(id: ActorId, demand: Demand, shared: boolean): void {
    this.#actors.set(id, { id, demand, shared, state: "waiting", queues: new Map(), running: new Set() });
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
    const queue = actor.queues.get(call.caller);
    if (queue === undefined) {
      const first = new Queue<ActorCall>();
      first.push(call);
      actor.queues.set(call.caller, first);
    } else queue.push(call);
    this.#send(actor, call.caller);
  }

  callReady(call: ActorCall): void {
    call.ready = true;
    const actor = this.#actors.get(call.actor);
    if (actor !== undefined) this.#send(actor, call.caller);
  }

  /** Takes back a call that was not sent yet; returns false when it was. */
  withdraw(call: ActorCall, reason: FailReason): boolean {
    const actor = this.#actors.get(call.actor);
    if (!actor?.queues.get(call.caller)?.remove(call)) return false;
    this.#emit({ type: "fail", task: call.id, reason });
    this.#send(actor, call.caller);
    return true;
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

  died(worker: WorkerId): void {
    const thread = this.#threads.get(worker);
    if (thread === undefined) return;
    this.#threads.delete(worker);
    this.#hosts.delete(thread);
    for (const actor of [...thread.tenants]) this.end(actor.id, { kind: "worker", worker });
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
    for (const task of actor.running) {
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
    actor.state = "starting";
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
      if (thread.up) this.#emit({ type: "evict", worker, actor: actor.id });
      return;
    }
    this.#threads.delete(worker);
    this.#emit({ type: "stop", worker });
  }

  #send(actor: Actor, caller: ClientId): void {
    if (actor.state !== "alive") return;
    const queue = actor.queues.get(caller);
    while (queue?.peek()?.ready) {
      const call = queue.shift()!;
      actor.running.add(call.id);
      this.#running.set(call.id, actor);
      this.#emit({ type: "call", worker: actor.thread!.worker, task: call.id });
    }
    if (queue?.length === 0) actor.queues.delete(caller);
  }
}
