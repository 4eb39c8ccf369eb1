import type { ActorRow, ControlStore, ResourceRow, TableName, TaskRow, WorkerRow } from "../../control/index.js";
import type { WorkerId } from "../scheduler/events.js";

/** How long rows may lag behind. */
const delayMilliseconds = 100;
/** How many rows of ended tasks are kept. */
const keptTasks = 100_000;

type RowOf = { tasks: TaskRow; actors: ActorRow; workers: WorkerRow; resources: ResourceRow };

/** Writes the tables of tasks, actors, workers and resources: changed rows together, every tenth of a second, off the hot path. */
export class TaskRows {
  readonly #control: ControlStore | undefined;
  readonly #changed: { [N in keyof RowOf]: Set<RowOf[N]> } = {
    tasks: new Set(),
    actors: new Set(),
    workers: new Set(),
    resources: new Set(),
  };
  #ended: string[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(control: ControlStore | undefined) {
    this.#control = control;
  }

  /** Notes that a row was made or changed; it is read when it is written. */
  changed<N extends keyof RowOf>(table: N, row: RowOf[N]): void {
    if (this.#control === undefined) return;
    this.#changed[table].add(row);
    this.#timer ??= setTimeout(() => void this.flush(), delayMilliseconds).unref();
  }

  /** Writes everything that changed until now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const control = this.#control;
    if (control === undefined) return;
    const writes = (Object.keys(this.#changed) as (keyof RowOf)[]).map((table) => this.#write(control, table));
    // A control store that is down must not fail tasks: the rows are for people.
    await Promise.allSettled(writes);
  }

  async #write<N extends keyof RowOf & TableName>(control: ControlStore, table: N): Promise<void> {
    const rows = [...this.#changed[table]];
    if (rows.length === 0) return;
    this.#changed[table].clear();
    await control.put(table, rows as never);
    if (table !== "tasks") return;
    for (const row of rows as TaskRow[]) if (row.endedAt !== null) this.#ended.push(row.id);
    const surplus = this.#ended.length - keptTasks;
    if (surplus > 0) await control.delete("tasks", this.#ended.splice(0, surplus));
  }
}

export function formatWorkerId(worker: WorkerId): string {
  return `worker-${worker}`;
}
