import type { TaskRow } from "../../control/index.js";
import { type JournalEntry, JournalReader } from "../journal.js";
import { formatObjectId } from "../object-ref.js";
import type { ClientId, TaskId, WorkerId } from "../scheduler/events.js";
import type { CalleeRecord } from "./board-table.js";
import { formatWorkerId } from "./task-rows.js";

interface Chunk {
  readonly worker: WorkerId;
  /** The actor whose thread it is. */
  readonly actor: string | null;
  readonly reader: JournalReader;
}

const keptFaults = 100_000;

/** The journals of all threads, read when somebody asks. Of a thread that has ended, the journal is read once more. */
export class Journals {
  #chunks: Chunk[] = [];
  readonly #ended = new Set<WorkerId>();
  readonly #faults = new Map<TaskId, string>();
  readonly #calleeOf: (owner: ClientId, callee: number) => CalleeRecord | undefined;

  constructor(calleeOf: (owner: ClientId, callee: number) => CalleeRecord | undefined) {
    this.#calleeOf = calleeOf;
  }

  add(worker: WorkerId, chunk: SharedArrayBuffer, actor: string | null): void {
    this.#chunks.push({ worker, actor, reader: new JournalReader(chunk) });
  }

  /** The thread writes no more. */
  ended(worker: WorkerId): void {
    this.#ended.add(worker);
  }

  /** Why a task failed. */
  fault(task: TaskId, error: string): void {
    this.#faults.set(task, error);
    if (this.#faults.size <= keptFaults) return;
    const [oldest] = this.#faults.keys();
    this.#faults.delete(oldest!);
  }

  /** The rows of what ended since the last call; of a task that was tried several times, the last try comes last. */
  read(): TaskRow[] {
    const rows: TaskRow[] = [];
    let isSorted = true;
    for (const chunk of this.#chunks) {
      for (const entry of chunk.reader.take()) {
        isSorted &&= entry.attempt === 1;
        rows.push(this.#row(chunk, entry));
      }
    }
    if (!isSorted) rows.sort((a, b) => a.attempt - b.attempt);
    this.#chunks = this.#chunks.filter(({ worker }) => !this.#ended.has(worker));
    this.#ended.clear();
    return rows;
  }

  #row(chunk: Chunk, entry: JournalEntry): TaskRow {
    const { task, owner, callee, attempt, failed, parent, submittedAt, startedAt, endedAt } = entry;
    const called = this.#calleeOf(owner, callee);
    const actor = called?.actor === undefined ? chunk.actor : formatObjectId(called.actor);
    const error = failed ? (this.#faults.get(task) ?? null) : null;
    if (failed) this.#faults.delete(task);
    return {
      id: formatObjectId(task),
      name: called?.name ?? "a task",
      kind: actor === null ? "task" : "actor-call",
      state: failed ? "failed" : "finished",
      parent: parent === 0 ? null : formatObjectId(parent),
      actor,
      worker: formatWorkerId(chunk.worker),
      attempt,
      submittedAt,
      startedAt,
      endedAt,
      error,
    };
  }
}
