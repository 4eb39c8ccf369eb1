import type { TaskRow } from "../../control/index.js";
import { isFullJournal, type JournalEntry, journalLength, readJournal } from "../journal.js";
import { formatObjectId } from "../object-ref.js";
import type { ClientId, TaskId, WorkerId } from "../scheduler/events.js";
import { formatWorkerId } from "./task-rows.js";

interface Chunk {
  readonly worker: WorkerId;
  /** The actor whose thread it is. */
  readonly actor: string | null;
  readonly words: SharedArrayBuffer;
  read: number;
}

/** The journals of all threads, read when somebody asks. */
export class Journals {
  #chunks: Chunk[] = [];
  readonly #faults = new Map<TaskId, string>();
  readonly #nameOf: (owner: ClientId, callee: number) => string;

  constructor(nameOf: (owner: ClientId, callee: number) => string) {
    this.#nameOf = nameOf;
  }

  add(worker: WorkerId, words: SharedArrayBuffer, actor: string | null): void {
    this.#chunks.push({ worker, actor, words, read: 0 });
  }

  /** Why a task failed. */
  fault(task: TaskId, error: string): void {
    this.#faults.set(task, error);
  }

  /** The rows of what ended since the last call. */
  *read(): Iterable<TaskRow> {
    for (const chunk of this.#chunks) {
      for (const entry of readJournal(chunk.words, chunk.read)) yield this.#row(chunk, entry);
      chunk.read = journalLength(chunk.words);
    }
    this.#chunks = this.#chunks.filter(({ words }) => !isFullJournal(words));
  }

  #row({ worker, actor }: Chunk, entry: JournalEntry): TaskRow {
    const { task, owner, callee, attempt, failed, parent, submittedAt, startedAt, endedAt } = entry;
    const error = failed ? (this.#faults.get(task) ?? null) : null;
    if (failed) this.#faults.delete(task);
    return {
      id: formatObjectId(task),
      name: this.#nameOf(owner, callee),
      kind: actor === null ? "task" : "actor-call",
      state: failed ? "failed" : "finished",
      parent: parent === 0 ? null : formatObjectId(parent),
      actor,
      worker: formatWorkerId(worker),
      attempt,
      submittedAt,
      startedAt,
      endedAt,
      error,
    };
  }
}
