import type { StoredValue } from "../../store/value.js";
import type { Instruction, TaskId, WorkerId } from "../scheduler/events.js";
import type { ActorTable } from "./actor-table.js";
import { readArguments } from "./arguments.js";
import type { Turn } from "./decisions.js";
import type { Definitions } from "./definitions.js";
import type { LineTable } from "./line-table.js";
import type { Outcomes } from "./outcomes.js";
import type { Outgoing } from "./outgoing.js";
import type { TaskRecord } from "./records.js";
import type { Reading, Requests } from "./requests.js";
import type { ReturnsTable } from "./returns-table.js";
import type { StoredValues } from "./stored-values.js";
import type { Submitting } from "./submitting.js";
import type { TaskTable } from "./task-table.js";
import type { WorkerTable } from "./worker-table.js";

/** What is sent with a task, and where it turns to when that is not there. */
export interface DispatchParts {
  readonly values: StoredValues;
  readonly tasks: TaskTable;
  readonly actors: ActorTable;
  readonly workers: WorkerTable;
  readonly definitions: Definitions;
  readonly lines: LineTable;
  readonly returns: ReturnsTable;
  readonly requests: Requests;
  readonly outcomes: Outcomes;
  readonly submitting: Submitting;
  readonly outgoing: Outgoing;
  readonly turn: Turn;
}

/**
 * Sends workers what the scheduler wants to be run there, with its code and the values of its arguments. These may have to
 * be read from disk, or be lost: then it goes later, or not at all.
 */
export class Dispatch {
  readonly #parts: DispatchParts;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  run({ worker, task, gpus: gpuIds }: Instruction & { type: "run" }): void {
    const record = this.#parts.tasks.get(task)!;
    const { message, row } = record;
    if (message.type !== "submit") return;
    const { code, name, demand } = message;
    this.#withArguments(worker, task, (args) => {
      const { definitions, returns, outgoing } = this.#parts;
      definitions.send(worker, code);
      this.#begin(record, worker);
      const { attempt } = row;
      const making = returns.begin(task, worker);
      outgoing.push(worker, { type: "run", task, code, name, args, gpuIds, attempt, demand, returns: making });
    });
  }

  call({ worker, task }: Instruction & { type: "call" }): void {
    const record = this.#parts.tasks.get(task);
    if (record?.message.type !== "call") return;
    const { message, client: caller, place } = record;
    const { actor, name, method, group } = message;
    this.#withArguments(worker, task, (args) => {
      const { actors, lines, returns, outgoing } = this.#parts;
      const groups = actors.get(actor)!.message.limits.length;
      const sequence = lines.send(task, { caller, actor, worker, group, groups }, place?.sequence);
      record.sentIn = place?.life;
      const making = returns.begin(task, worker);
      const what = { task, actor, name, method, group, args, caller, sequence, returns: making };
      outgoing.push(worker, { type: "call", ...what });
      this.#begin(record, worker);
    });
  }

  construct({ worker, actor, gpus: gpuIds }: Instruction & { type: "construct" }): void {
    const { values, actors, workers, definitions, requests, submitting, outgoing, turn } = this.#parts;
    const record = actors.placedOn(actor, worker);
    const { code, className, demand, limits, maxRestarts, shared } = record.message;
    const life = record.row.restarts;
    const read = (): void => {
      const reading = readArguments(values, worker, record.args);
      if (reading instanceof Promise) void reading.then(proceed).then(() => turn.work());
      else proceed(reading);
    };
    const proceed = (reading: Reading): void => {
      if (record.failure !== undefined || record.row.restarts !== life || !workers.has(worker)) {
        if ("values" in reading) values.unread(worker, reading.values);
      } else if ("values" in reading) {
        definitions.send(worker, code);
        const args = reading.values;
        const message = { actor, code, className, args, demand, gpuIds, limits, maxRestarts, shared, life };
        outgoing.push(worker, { type: "construct", ...message });
      } else if (reading.lost !== undefined) {
        submitting.lost([reading.lost], reading.failure.message);
        requests.once(reading.lost, read);
      } else actors.constructed(actor, reading.failure);
    };
    read();
  }

  #begin(record: TaskRecord, worker: WorkerId): void {
    this.#parts.tasks.begin(record, worker);
    this.#parts.workers.count(worker, 1);
  }

  /** Goes on with a task's arguments once they are in memory. */
  #withArguments(worker: WorkerId, task: TaskId, go: (args: readonly StoredValue[]) => void): void {
    const { values, tasks, actors, workers, requests, outcomes, submitting, turn } = this.#parts;
    const record = tasks.get(task)!;
    const { message } = record;
    const lifeNow = () => (message.type === "call" ? actors.get(message.actor)!.row.restarts : 0);
    const life = lifeNow();
    const read = (): void => {
      const reading = readArguments(values, worker, message.args);
      if (reading instanceof Promise) void reading.then(proceed).then(() => turn.work());
      else proceed(reading);
    };
    const proceed = (reading: Reading): void => {
      // An actor that was made anew meanwhile, perhaps on the same thread, gets its calls once more.
      if (tasks.get(task) !== record || !workers.has(worker) || lifeNow() !== life) {
        if ("values" in reading) values.unread(worker, reading.values);
        return;
      }
      if ("values" in reading) {
        go(reading.values);
        return;
      }
      const { lost, failure } = reading;
      if (lost !== undefined) submitting.lost([lost], failure.message);
      if (lost !== undefined && message.type === "call") {
        requests.once(lost, read);
        return;
      }
      // The task ends before it begins, or waits again.
      turn.note({ type: "finished", worker, task });
      if (lost === undefined) outcomes.settle(task, { failure });
      else submitting.schedule(record);
    };
    read();
  }
}
