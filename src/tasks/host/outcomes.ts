import { sharedBytes } from "../../store/value.js";
import type { Failure } from "../failure.js";
import { refsIn } from "../live.js";
import { formatObjectId } from "../object-ref.js";
import type { Outcome, Resubmission, WorkerMessage } from "../protocol.js";
import type { ClientId, FailReason, Instruction, ObjectId, TaskId, WorkerId } from "../scheduler/events.js";
import type { ActorTable } from "./actor-table.js";
import { failureOf } from "./arguments.js";
import type { BoardTable } from "./board-table.js";
import type { Turn } from "./decisions.js";
import type { Lineage } from "./lineage.js";
import type { ObjectTable } from "./object-table.js";
import type { Outgoing } from "./outgoing.js";
import * as reasons from "./reasons.js";
import { resubmissionOf } from "./records.js";
import type { Requests } from "./requests.js";
import type { ReturnsTable } from "./returns-table.js";
import { type Counted, isLarge, type StoredValues } from "./stored-values.js";
import type { TaskTable } from "./task-table.js";
import type { WorkerTable } from "./worker-table.js";

const notMadeAgain = "its stream, when it was made again, ended before it";

/** Who has to do with outcomes. */
export interface OutcomesParts {
  readonly objects: ObjectTable;
  readonly tasks: TaskTable;
  readonly actors: ActorTable;
  readonly returns: ReturnsTable;
  readonly lineage: Lineage;
  readonly requests: Requests;
  readonly workers: WorkerTable;
  readonly boards: BoardTable;
  readonly outgoing: Outgoing;
  readonly turn: Turn;
  /** Where large values are counted. */
  readonly values: StoredValues;
}

/**
 * Objects get their outcomes here, and lose them: what threads made, and what is clear without them. Whoever waits for an
 * object is told, and with the outcome of its own object a task ends.
 */
export class Outcomes {
  readonly #parts: OutcomesParts;

  constructor(parts: OutcomesParts) {
    this.#parts = parts;
  }

  /** Gives an object its outcome, which came from a thread or is a failure; only the first counts. Large values are counted first. */
  settle(id: ObjectId, outcome: Outcome, label?: string, from?: ClientId): void {
    this.#settle(id, [outcome], label, from);
  }

  /** As `settle`, for objects with consecutive numbers: they are there all at once. */
  #settle(first: ObjectId, outcomes: readonly Outcome[], label?: string, from?: ClientId): void {
    const { turn } = this.#parts;
    if (turn.isOver) return;
    const counted = outcomes.map((outcome) => this.#count(first, outcome, label, from));
    const publish = (all: readonly Counted[]) => {
      // A task's own last: with that, it ends.
      for (let i = all.length; i-- > 0; ) this.#publish(first + i, all[i]!);
      for (const outcome of outcomes) this.discard(from!, outcome);
    };
    if (counted.some((one) => one instanceof Promise)) {
      void Promise.all(counted)
        .then(publish)
        .then(() => turn.work());
    } else publish(counted as Counted[]);
  }

  #count(id: ObjectId, outcome: Outcome, label?: string, from?: ClientId): Counted | Promise<Counted> {
    const { tasks, values } = this.#parts;
    if (!isLarge(outcome)) return { outcome, memory: undefined };
    return values.take(outcome, from!, label ?? `the result of ${tasks.nameOf(id) ?? "a task"}`);
  }

  /** What a thread sent is not waited for any more. */
  discard(client: ClientId, outcome: Outcome): void {
    if (isLarge(outcome)) this.#parts.boards.accept(client, sharedBytes(outcome.value));
  }

  /** A task has ended with these outcomes, one for each object that it makes; or failed, and is tried again. */
  done(worker: WorkerId, task: TaskId, outcomes: readonly Outcome[]): void {
    const retry = this.#parts.tasks.retry(task, outcomes[0]!);
    if (retry !== undefined) {
      this.#parts.turn.note(retry);
      for (const outcome of outcomes) this.discard(worker, outcome);
      return;
    }
    if (outcomes.some(isLarge)) this.#keep(task, (call) => this.#parts.lineage.keep(call));
    this.#settle(task, outcomes, undefined, worker);
  }

  /** An item of a stream, which becomes an object of whoever takes it. */
  item(worker: WorkerId, { task, index, value }: WorkerMessage & { type: "item" }): void {
    const { objects, tasks, returns, lineage, boards, outgoing } = this.#parts;
    const passed = returns.pass(task, index);
    const consumer = passed?.consumer;
    if (passed === undefined || (consumer !== undefined && !boards.has(consumer))) {
      this.discard(worker, { value });
      return;
    }
    const { object } = passed;
    if (consumer !== undefined) objects.expect(object, consumer);
    if (isLarge({ value })) this.#keep(task, (call) => lineage.keepItem(call, object, index));
    this.settle(object, { value }, `an item of ${tasks.nameOf(task)}`, worker);
    if (consumer !== undefined) outgoing.push(consumer, { type: "item", task, object });
  }

  /** Has the call of a task kept, if it can be run again: those of actors cannot. */
  #keep(task: TaskId, keep: (call: Resubmission) => void): void {
    const record = this.#parts.tasks.get(task);
    if (record?.message.type === "submit") keep(resubmissionOf(record.message, record.row.attempt));
  }

  /** The outcome of a call from a board, which its owner gets from here. */
  deposit(worker: WorkerId, { task, outcome, name }: WorkerMessage & { type: "deposit" }): void {
    const { objects, boards } = this.#parts;
    const owner = Math.floor(task / 2 ** 32);
    if (boards.has(owner)) {
      objects.expect(task, owner);
      this.settle(task, outcome, `the result of ${name}`, worker);
    } else this.discard(worker, outcome);
  }

  /** The scheduler gave a task up. */
  fail({ task, reason }: Instruction & { type: "fail" }): void {
    this.settle(task, { failure: this.#explain(task, reason) });
  }

  /** A thread has ended: what it would have made known itself. Tasks that go through the node run on without it. */
  ownerEnded(client: ClientId, reason: string): void {
    const { objects, tasks } = this.#parts;
    for (const id of [...objects.pendingOf(client)]) {
      // An actor's calls keep the order of their caller, which it gave them.
      const record = tasks.get(id);
      if (record === undefined || record.place !== undefined)
        this.settle(id, { failure: reasons.ownerDied(formatObjectId(id), reason) });
    }
  }

  /** An object has no value any more, whoever needs it, and will not be made again. */
  drop(object: ObjectId, failure: Failure): void {
    const { objects, lineage } = this.#parts;
    lineage.forget(object);
    objects.drop(object, failure);
    this.#announce(object, false);
  }

  #publish(id: ObjectId, { outcome, memory }: Counted): void {
    const { objects, tasks, actors, returns, lineage, outgoing, turn } = this.#parts;
    const record = tasks.get(id);
    if (turn.isOver) {
      memory?.object.release();
      return;
    }
    const contains = "value" in outcome ? refsIn(outcome.value) : [];
    if (memory === undefined && objects.awaits(id)) lineage.forget(id);
    const first = objects.settle(id, outcome, contains, memory);
    if (first) this.#announce(id, "value" in outcome);
    if (record === undefined) return;
    tasks.remove(id);
    const { parts, consumer } = returns.end(id);
    // Values of the others came first.
    for (const part of parts) {
      if (!objects.awaits(part)) continue;
      const failed =
        "failure" in outcome ? outcome : { failure: reasons.objectLost(formatObjectId(part), notMadeAgain) };
      this.#publish(part, { outcome: failed, memory: undefined });
    }
    if (consumer !== undefined) {
      outgoing.push(consumer, { type: "streamEnd", task: id, failed: "failure" in outcome });
    }
    tasks.end(record, outcome);
    actors.callEnded(record);
  }

  #announce(object: ObjectId, available: boolean): void {
    this.#parts.requests.settled(object);
    this.#parts.turn.note({ type: available ? "available" : "unavailable", object });
  }

  #explain(task: TaskId, reason: FailReason): Failure {
    const { objects, tasks, actors, workers } = this.#parts;
    const name = tasks.nameOf(task) ?? "A task";
    switch (reason.kind) {
      case "argument":
        return failureOf(objects, reason.object);
      case "worker":
        return reasons.workerDied(name, reason.attempts, workers.deathOf(reason.worker));
      case "actor":
        return reasons.actorDied(name, actors.get(reason.actor)?.failure);
      case "restarted":
        return reasons.callInterrupted(name, actors.interruption(reason.worker));
      case "no-workers":
        return reasons.noWorkers(name, workers.deathOf());
      case "cancelled":
        return tasks.get(task)?.row.state === "running" ? reasons.stopped(name) : reasons.cancelled(name);
    }
  }
}
