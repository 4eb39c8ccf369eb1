import type { ActorRow, ControlStore, ResourceRow, TableName, WorkerRow } from "../../control/index.js";
import type { WorkerId } from "../scheduler/events.js";

/** How long rows may lag behind. */
const delayMilliseconds = 100;

type RowOf = { actors: ActorRow; workers: WorkerRow; resources: ResourceRow };

/** Writes the tables of actors, workers and resources: changed rows together, every tenth of a second, off the hot path. */
export class ChangedRows {
  readonly #control: ControlStore | undefined;
  readonly #changed: { [N in keyof RowOf]: Set<RowOf[N]> } = {
    actors: new Set(),
    workers: new Set(),
    resources: new Set(),
  };
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
  }
}

export function formatWorkerId(worker: WorkerId): string {
  return `worker-${worker}`;
}
