import type { TaskRow } from "../../control/index.js";
import { wallTime } from "../clock.js";
import type { ClientMessage, Outcome } from "../protocol.js";
import type { ClientId, SchedulerEvent, TaskId, WorkerId } from "../scheduler/events.js";
import { formatWorkerId } from "./changed-rows.js";
import type { ObjectTable } from "./object-table.js";
import { pinsOf, retriesLeft, type TaskRecord, taskRow } from "./records.js";
import type { TaskLog } from "./task-log.js";

/** The tasks and calls that go through the node and have no outcome yet, with their rows; each keeps its arguments alive. */
export class TaskTable {
  readonly #objects: ObjectTable;
  readonly #log: TaskLog;
  readonly #tasks = new Map<TaskId, TaskRecord>();

  constructor(objects: ObjectTable, log: TaskLog) {
    this.#objects = objects;
    this.#log = log;
  }

  has(task: TaskId): boolean {
    return this.#tasks.has(task);
  }

  get(task: TaskId): TaskRecord | undefined {
    return this.#tasks.get(task);
  }

  nameOf(task: TaskId): string | undefined {
    return this.#tasks.get(task)?.message.name;
  }

  /** The rows as they are now. */
  *rows(): Iterable<TaskRow> {
    for (const { row } of this.#tasks.values()) yield { ...row };
  }

  /** What a task submitted. */
  *childrenOf(parent: TaskId): Iterable<TaskRecord["message"]> {
    for (const { message } of this.#tasks.values()) if (message.parent === parent) yield message;
  }

  /** A thread has submitted a task, or called an actor. */
  add(client: ClientId, message: ClientMessage & { type: "submit" | "call" }): TaskRecord {
    const { task } = message;
    const pins = pinsOf(message.args);
    if (message.type === "call") pins.push(message.actor);
    const row = taskRow(message);
    this.#objects.pin(pins);
    const place = message.type === "call" ? message.place : undefined;
    const record = { message, client, pins, row, place };
    this.#tasks.set(task, record);
    return record;
  }

  /** A worker is about to run it. */
  begin({ row }: TaskRecord, worker: WorkerId): void {
    if (row.startedAt !== null) {
      // The attempt before was cut off, or threw.
      this.#log.add({ row: { ...row, state: "failed", endedAt: row.endedAt ?? wallTime() }, only: "timeline" });
    }
    row.endedAt = null;
    row.state = "running";
    row.worker = formatWorkerId(worker);
    row.attempt += 1;
    row.startedAt = wallTime();
  }

  /** It did not begin, as its worker stands still. */
  takeBack(task: TaskId): void {
    const row = this.#tasks.get(task)?.row;
    if (row === undefined) return;
    Object.assign(row, { state: "pending", worker: null, attempt: row.attempt - 1, startedAt: null });
  }

  /** A task has ended so: what submits it once more, if it is to be tried again. */
  retry(task: TaskId, outcome: Outcome): SchedulerEvent | undefined {
    const record = this.#tasks.get(task);
    if (record === undefined || !("failure" in outcome) || record.message.type !== "submit") return undefined;
    const { code, demand, maxRetries, retryExceptions } = record.message;
    const attempts = record.row.attempt;
    if (!retryExceptions || outcome.failure.code === "TASK_CANCELLED") return undefined;
    if (maxRetries >= 0 && attempts > maxRetries) return undefined;
    record.row.endedAt = wallTime();
    record.row.state = "pending";
    return { type: "submit", task, code, demand, maxRetries: retriesLeft(record.message, attempts), pending: [] };
  }

  /** It has its outcome, and is no task of the table any more. */
  remove(task: TaskId): void {
    this.#tasks.delete(task);
  }

  /** Lets go what a removed task kept alive, and writes its row. */
  end({ pins, row }: TaskRecord, outcome: Outcome): void {
    this.#objects.unpin(pins);
    row.endedAt = wallTime();
    row.state = "value" in outcome ? "finished" : outcome.failure.code === "TASK_CANCELLED" ? "cancelled" : "failed";
    if ("failure" in outcome) row.error = `${outcome.failure.code}: ${outcome.failure.message}`;
    this.#log.add({ row });
  }
}
