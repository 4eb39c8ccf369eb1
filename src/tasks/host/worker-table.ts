import type { WorkerRow } from "../../control/index.js";
import { formatObjectId } from "../object-ref.js";
import type { ActorId, CodeId, WorkerId } from "../scheduler/events.js";
import { type ChangedRows, formatWorkerId } from "./changed-rows.js";
import type { WorkerLink } from "./supervisor.js";

interface WorkerRecord {
  readonly link: WorkerLink;
  readonly row: WorkerRow;
  /** How many tasks and calls it has. */
  load: number;
  /** Code that was sent to it. */
  readonly codes: Set<CodeId>;
  /** Why it ends, where it was told to. */
  doom?: string;
}

/** Workers that were not seen to end, with their rows; and why the others ended. */
export class WorkerTable {
  readonly #rows: ChangedRows;
  readonly #node: string;
  readonly #workers = new Map<WorkerId, WorkerRecord>();
  readonly #deaths = new Map<WorkerId, string>();
  #lastDeath = "of an unknown reason";

  constructor(rows: ChangedRows, node: string) {
    this.#rows = rows;
    this.#node = node;
  }

  has(worker: WorkerId): boolean {
    return this.#workers.has(worker);
  }

  add(worker: WorkerId, actor: ActorId | undefined, link: WorkerLink): void {
    const row: WorkerRow = {
      id: formatWorkerId(worker),
      node: this.#node,
      thread: worker,
      state: "starting",
      actor: actor === undefined ? null : formatObjectId(actor),
      startedAt: Date.now(),
      endedAt: null,
      reason: null,
    };
    this.#workers.set(worker, { link, row, load: 0, codes: new Set() });
    this.#rows.changed("workers", row);
  }

  /** The actor whose thread it is, as rows name it. */
  actorOf(worker: WorkerId): string | null {
    return this.#workers.get(worker)?.row.actor ?? null;
  }

  started(worker: WorkerId): void {
    this.#setState(this.#workers.get(worker)!, "idle");
  }

  /** It got a task or call, or ended one. */
  count(worker: WorkerId, change: 1 | -1): void {
    const record = this.#workers.get(worker)!;
    record.load += change;
    this.#setState(record, record.load > 0 ? "busy" : "idle");
  }

  /** Whether it runs calls that it took from boards. */
  claims(worker: WorkerId, busy: boolean): void {
    const record = this.#workers.get(worker);
    if (record === undefined || record.row.state === "starting") return;
    this.#setState(record, busy || record.load > 0 ? "busy" : "idle");
  }

  /** Notes that code is being sent; returns whether it was not before. */
  needs(worker: WorkerId, code: CodeId): boolean {
    const { codes } = this.#workers.get(worker)!;
    if (codes.has(code)) return false;
    codes.add(code);
    return true;
  }

  /** Strikes a worker off; undefined when it was before. */
  remove(worker: WorkerId, reason: string): WorkerLink | undefined {
    const record = this.#workers.get(worker);
    if (record === undefined) return undefined;
    this.#workers.delete(worker);
    const cause = record.doom ?? reason;
    this.#deaths.set(worker, cause);
    this.#lastDeath = cause;
    Object.assign(record.row, { state: "dead", endedAt: Date.now(), reason: cause });
    this.#rows.changed("workers", record.row);
    return record.link;
  }

  /** Ends a worker; it is struck off when it has ended. */
  terminate(worker: WorkerId, reason: string): void {
    const record = this.#workers.get(worker);
    if (record === undefined) return;
    record.doom = reason;
    record.link.stop();
  }

  ids(): WorkerId[] {
    return [...this.#workers.keys()];
  }

  removeAll(reason: string): void {
    for (const worker of [...this.#workers.keys()]) this.remove(worker, reason);
  }

  /** Why a worker ended; without a number, why the last one did. */
  deathOf(worker?: WorkerId): string {
    return (worker === undefined ? undefined : this.#deaths.get(worker)) ?? this.#lastDeath;
  }

  #setState(record: WorkerRecord, state: WorkerRow["state"]): void {
    if (record.row.state === state) return;
    record.row.state = state;
    this.#rows.changed("workers", record.row);
  }
}
