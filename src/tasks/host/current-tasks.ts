import type { TaskRow } from "../../control/index.js";
import { listedCalls } from "../call-list.js";
import type { ClientId } from "../scheduler/events.js";
import type { BoardTable } from "./board-table.js";
import { Looks } from "./looks.js";
import type { Outgoing } from "./outgoing.js";
import { listedRow } from "./records.js";
import type { TaskTable } from "./task-table.js";
import type { WorkerTable } from "./worker-table.js";

/** The tasks that are not over, wherever they wait or run: at the node, on boards, and where only their threads know. */
export class CurrentTasks {
  readonly #tasks: TaskTable;
  readonly #boards: BoardTable;
  readonly #workers: WorkerTable;
  readonly #outgoing: Outgoing;
  readonly #looks: Looks;

  constructor(tasks: TaskTable, boards: BoardTable, workers: WorkerTable, outgoing: Outgoing) {
    this.#tasks = tasks;
    this.#boards = boards;
    this.#workers = workers;
    this.#outgoing = outgoing;
    this.#looks = new Looks((client, request) => outgoing.push(client, { type: "look", request }));
  }

  /** Their rows by id. With `asks`, threads are asked, and those that compute do not answer. */
  async rows({ asks }: { asks: boolean }): Promise<Map<string, TaskRow>> {
    const looks = this.#looks.all(asks ? this.#boards.clients : []);
    this.#outgoing.flush();
    const rows = new Map<string, TaskRow>();
    const isRunning = (id: string) => rows.get(id)?.state === "running";
    for (const { client, calls } of await looks) {
      for (const call of listedCalls(calls)) {
        const callee = this.#boards.calleeOf(call.owner, call.callee);
        const row = listedRow(client, call, callee, this.#workers.actorOf(client));
        if (!isRunning(row.id)) rows.set(row.id, row);
      }
    }
    for (const row of this.#tasks.rows()) rows.set(row.id, row);
    for (const row of this.#boards.rows()) if (!isRunning(row.id)) rows.set(row.id, row);
    return rows;
  }

  /** A thread says which calls it knows of. */
  answer(client: ClientId, request: number, calls: Float64Array): void {
    this.#looks.answer(client, request, calls);
  }

  /** The thread has ended: it is not waited for. */
  forget(client: ClientId): void {
    this.#looks.forget(client);
  }
}
