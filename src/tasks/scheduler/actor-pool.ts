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
  state: "waiting" | "placing" | "starting" | "alive";
  worker?: WorkerId;
  grant?: Grant;
  /** Calls that were not sent yet, by caller. */
  readonly queues: Map<ClientId, Queue<ActorCall>>;
  readonly running: Set<TaskId>;
}

/**
 * Actors, each on a thread of its own. Calls of one caller reach the actor in the order in which they were made: one
 * that waits for an argument holds back those after it.
 */
export class ActorPool {
  readonly #ledger: ResourceLedger;
  readonly #emit: (instruction: Instruction) => void;
  readonly #nextWorker: () => WorkerId;
  readonly #actors = new Map<ActorId, Actor>();
  readonly #byWorker = new Map<WorkerId, Actor>();
  /** Actors that wait for resources, by what they ask for: who asks for much holds nobody else back. */
  readonly #placing = new Map<string, Queue<Actor>>();

  constructor(ledger: ResourceLedger, emit: (instruction: Instruction) => void, nextWorker: () => WorkerId) {
    this.#ledger = ledger;
    this.#emit = emit;
    this.#nextWorker = nextWorker;
  }

  has(worker: WorkerId): boolean {
    return this.#byWorker.has(worker);
  }

  /** How many actors are not dead. */
  get size(): number {
    return this.#actors.size;
  }

  create(id: ActorId, demand: Demand): void {
    this.#actors.set(id, { id, demand, state: "waiting", queues: new Map(), running: new Set() });
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
    const actor = this.#byWorker.get(worker);
    if (actor === undefined) return;
    actor.state = "alive";
    const gpus = actor.grant!.gpus.map(({ gpu }) => gpu);
    this.#emit({ type: "construct", worker, actor: actor.id, gpus });
    for (const caller of [...actor.queues.keys()]) this.#send(actor, caller);
  }

  finished(worker: WorkerId, task: TaskId): void {
    this.#byWorker.get(worker)?.running.delete(task);
  }

  died(worker: WorkerId): void {
    const actor = this.#byWorker.get(worker);
    if (actor !== undefined) this.end(actor.id, { kind: "worker", worker });
  }

  /** Ends an actor and fails its calls. Ending it twice is no error. */
  end(id: ActorId, reason: DeathReason): void {
    const actor = this.#actors.get(id);
    if (actor === undefined) return;
    this.#actors.delete(id);
    if (actor.state === "placing") this.#placing.get(shapeOf(actor.demand))?.remove(actor);
    if (actor.grant !== undefined) this.#ledger.give(actor.grant);
    this.#emit({ type: "dead", actor: id, reason });
    if (actor.worker !== undefined) {
      this.#byWorker.delete(actor.worker);
      if (reason.kind !== "worker") this.#emit({ type: "stop", worker: actor.worker });
    }
    const failure: FailReason = { kind: "actor", actor: id };
    for (const task of actor.running) this.#emit({ type: "fail", task, reason: failure });
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
    actor.worker = this.#nextWorker();
    this.#byWorker.set(actor.worker, actor);
    this.#emit({ type: "start", worker: actor.worker, actor: actor.id });
  }

  #send(actor: Actor, caller: ClientId): void {
    if (actor.state !== "alive") return;
    const queue = actor.queues.get(caller);
    while (queue?.peek()?.ready) {
      const call = queue.shift()!;
      actor.running.add(call.id);
      this.#emit({ type: "call", worker: actor.worker!, task: call.id });
    }
    if (queue?.length === 0) actor.queues.delete(caller);
  }
}
