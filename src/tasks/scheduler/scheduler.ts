import { type ActorCall, ActorPool } from "./actor-pool.js";
import { Dependencies } from "./dependencies.js";
import type { ActorId, FailReason, Instruction, SchedulerEvent, TaskId, WorkerId } from "./events.js";
import { type Demand, ResourceLedger, unit } from "./resources.js";
import { type PoolTask, TaskPool } from "./task-pool.js";

/** Something that cannot begin before its arguments are ready. */
type Node = { kind: "task"; task: PoolTask } | { kind: "call"; call: ActorCall } | { kind: "actor"; actor: ActorId };

/**
 * Decides what goes through the node runs where, and which workers may take calls from boards: events in, instructions out. It does no I/O, keeps no values and reads no clock, so a list of
 * events replays to the same list of instructions.
 */
export class Scheduler {
  readonly ledger: ResourceLedger;
  readonly #dependencies = new Dependencies<Node>();
  readonly #waiting = new Map<TaskId, Node>();
  readonly #tasks: TaskPool;
  readonly #actors: ActorPool;
  #instructions: Instruction[] = [];
  #lastWorker = 0;

  /** `total` is what the node has, in units; as many threads as whole CPUs run tasks, at least one if there is any CPU. */
  constructor(total: Demand, { ahead = true }: { ahead?: boolean } = {}) {
    this.ledger = new ResourceLedger(total);
    const emit = (instruction: Instruction) => {
      this.#instructions.push(instruction);
    };
    const nextWorker = (): WorkerId => ++this.#lastWorker;
    const threads = Math.ceil(total.cpus / unit);
    this.#tasks = new TaskPool(this.ledger, threads, ahead, emit, nextWorker);
    this.#actors = new ActorPool(this.ledger, threads, emit, nextWorker);
  }

  /** Takes events in the order in which they happened and returns what to do, in the order in which to do it. */
  handle(events: Iterable<SchedulerEvent>): Instruction[] {
    for (const event of events) this.#apply(event);
    this.#actors.dispatch();
    this.#tasks.dispatch(this.#actors.waiting());
    const instructions = this.#instructions;
    this.#instructions = [];
    return instructions;
  }

  /** How many tasks, calls and actors are not done: waiting ones, queued and running tasks, living actors. */
  get load(): { waiting: number; tasks: number; actors: number } {
    return { waiting: this.#dependencies.size, tasks: this.#tasks.size, actors: this.#actors.size };
  }

  #apply(event: SchedulerEvent): void {
    switch (event.type) {
      case "submit": {
        const { task: id, code, demand, maxRetries } = event;
        const retriesLeft = maxRetries < 0 ? Number.POSITIVE_INFINITY : maxRetries;
        const task: PoolTask = { id, code, demand, retriesLeft, attempts: 0, alone: false };
        this.#await(id, { kind: "task", task }, event.pending);
        return;
      }
      case "create":
        this.#actors.create(event.actor, event.demand, event);
        this.#await(event.actor, { kind: "actor", actor: event.actor }, event.pending);
        return;
      case "call": {
        const { task: id, actor, caller, maxTaskRetries, life } = event;
        const retriesLeft = maxTaskRetries < 0 ? Number.POSITIVE_INFINITY : maxTaskRetries;
        const call: ActorCall = { id, actor, caller, ready: false, retriesLeft, life };
        this.#actors.call(call);
        this.#await(id, { kind: "call", call }, event.pending);
        return;
      }
      case "evicted":
        this.#actors.evicted(event.actor, event.began);
        return;
      case "placed":
        this.#actors.placed(event.actor, event.caller, event.tasks, event.life);
        return;
      case "available":
        for (const node of this.#dependencies.available(event.object)) this.#ready(node);
        return;
      case "unavailable":
        for (const node of this.#dependencies.unavailable(event.object)) {
          this.#fail(node, { kind: "argument", object: event.object });
        }
        return;
      case "started":
        this.#tasks.started(event.worker);
        this.#actors.started(event.worker);
        return;
      case "finished":
        if (this.#tasks.has(event.worker)) {
          this.#tasks.finished(event.task, event.milliseconds);
          return;
        }
        this.#actors.finished(event.task);
        return;
      case "blocked":
        this.#tasks.blocked(event.task);
        return;
      case "resumed":
        this.#tasks.resumed(event.task);
        return;
      case "stopped":
        this.#tasks.stopped(event.worker, event.task);
        return;
      case "wentOn":
        this.#tasks.wentOn(event.worker, event.task);
        return;
      case "hurry":
        this.#tasks.hurry(event.task);
        return;
      case "returned":
        this.#tasks.returned(event.worker, event.task);
        return;
      case "died":
        this.#tasks.died(event.worker);
        this.#actors.died(event.worker, event.began ?? none, event.guilty, event.paused);
        return;
      case "rested":
        this.#actors.rested(event.actor);
        return;
      case "board":
        this.#tasks.openBoards();
        return;
      case "parked":
        this.#tasks.parked(event.worker);
        return;
      case "kill":
        if (event.restart) this.#actors.interrupt(event.actor);
        else this.#actors.end(event.actor, { kind: event.reason ?? "killed" });
        return;
      case "cancel":
        this.#cancel(event);
        return;
      case "discard":
        this.#tasks.discard(event.worker);
        return;
    }
  }

  #await(id: TaskId, node: Node, pending: readonly TaskId[]): void {
    if (this.#dependencies.wait(node, pending)) this.#waiting.set(id, node);
    else this.#ready(node);
  }

  #ready(node: Node): void {
    this.#waiting.delete(idOf(node));
    if (node.kind === "task") this.#tasks.enqueue(node.task);
    else if (node.kind === "call") this.#actors.callReady(node.call);
    else this.#actors.ready(node.actor);
  }

  #fail(node: Node, reason: FailReason & { kind: "argument" | "cancelled" }): void {
    this.#waiting.delete(idOf(node));
    if (node.kind === "task") this.#instructions.push({ type: "fail", task: node.task.id, reason });
    else if (node.kind === "call") this.#actors.withdraw(node.call, reason);
    else this.#actors.end(node.actor, reason.kind === "argument" ? reason : { kind: "killed" });
  }

  #cancel({ task: id, force, recursive }: SchedulerEvent & { type: "cancel" }): void {
    const reason = { kind: "cancelled" } as const;
    const node = this.#waiting.get(id);
    if (node !== undefined && this.#dependencies.forget(node)) this.#fail(node, reason);
    else if (this.#tasks.withdraw(id)) this.#instructions.push({ type: "fail", task: id, reason });
    else if (force && this.#tasks.end(id)) this.#instructions.push({ type: "fail", task: id, reason });
    else if (!this.#actors.cancel(id)) {
      const worker = this.#tasks.disown(id) ?? this.#actors.workerOf(id);
      if (worker !== undefined) this.#instructions.push({ type: "cancel", worker, task: id, recursive });
    }
  }
}

const none: ReadonlySet<TaskId> = new Set();

function idOf(node: Node): TaskId {
  if (node.kind === "task") return node.task.id;
  return node.kind === "call" ? node.call.id : node.actor;
}
