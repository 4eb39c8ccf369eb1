import type { ControlStore, RowLog, TaskRow } from "../../control/index.js";
import { wallTime } from "../clock.js";
import { countCalls, JournalReader, type JournalRecord, journalRecords } from "../journal.js";
import { formatObjectId } from "../object-ref.js";
import type { ClientMessage, WorkerMessage } from "../protocol.js";
import type { ClientId, TaskId, WorkerId } from "../scheduler/events.js";
import type { CalleeRecord } from "./board-table.js";
import { formatWorkerId } from "./changed-rows.js";
import { faultRow, unrunRow } from "./records.js";

/** The first word of a block says what it has, the second whose it is; what follows is aligned for doubles. */
const blockKind = { journal: 1, rows: 2 } as const;
const headerWords = 4;
/** Rows of a block. */
const blockRows = 512;
const cutOffKept = 1000;

/** An attempt at a task that is over. */
export interface EndedAttempt {
  readonly row: TaskRow;
  /** Where it shows: an attempt that was followed by another one is no row of the table. By default in both. */
  readonly only?: "table" | "timeline";
}

/** What a block of the log has: records as a worker's thread wrote them, or rows. */
export type LogEntry =
  | {
      readonly kind: "calls";
      readonly worker: WorkerId;
      readonly name: string;
      readonly actor: string | null;
      readonly record: JournalRecord;
    }
  | { readonly kind: "attempt"; readonly attempt: EndedAttempt };

export interface TaskLogOptions {
  /** What an owner's calls name by this number. */
  calleeOf(owner: ClientId, callee: number): CalleeRecord | undefined;
  /** The actor that has the thread for itself, as rows name it. */
  actorOf(worker: WorkerId): string | null;
  /** The rows of tasks that are not over, by id. */
  current(): Promise<Map<string, TaskRow>>;
}

/**
 * The tasks that are over, in the control store's log: what threads write in their journals goes there as it is, and becomes rows when
 * somebody reads. What a thread cannot tell, the node writes as rows.
 */
export class TaskLog {
  readonly #log: RowLog | undefined;
  readonly #options: TaskLogOptions;
  /** The newest attempts that were cut off, by the task's id. */
  readonly #cutOff = new Map<string, TaskRow>();
  /** Attempts whose results were lost, by id and number: a few for each thread that ended. */
  readonly #annulled = new Set<string>();
  readonly #journals = new Map<WorkerId, JournalReader>();
  /** Whose threads these are, or were. */
  readonly #actors = new Map<WorkerId, string | null>();
  #rows: EndedAttempt[] = [];

  constructor(control: ControlStore | undefined, options: TaskLogOptions) {
    this.#options = options;
    this.#log = control?.openLog("tasks", {
      unpack: (block) => this.#unpack(block),
      rowsOf,
      current: async () => {
        const rows = await options.current();
        this.#gather();
        return rows;
      },
    });
  }

  /** A thread goes on in this chunk of its journal. */
  turn(worker: WorkerId, chunk: SharedArrayBuffer): void {
    let reader = this.#journals.get(worker);
    if (reader === undefined) {
      this.#actors.set(worker, this.#options.actorOf(worker));
      reader = new JournalReader((records) => this.#append(blockKind.journal, worker, records));
      this.#journals.set(worker, reader);
    }
    reader.turn(chunk);
  }

  /** The thread has ended: takes what it left. */
  ended(worker: WorkerId): void {
    this.#journals.get(worker)?.read();
    this.#journals.delete(worker);
  }

  /** Notes an attempt that is over and stands in no journal. */
  add(attempt: EndedAttempt): void {
    if (this.#log === undefined) return;
    this.#rows.push(attempt);
    if (this.#rows.length >= blockRows) this.#flush();
  }

  /** A task threw in this worker. */
  fault(worker: WorkerId, message: WorkerMessage & { type: "fault" }): void {
    const { owner, callee, attempt } = message;
    const { name, actor } = this.#called(worker, owner, callee);
    const row = faultRow(worker, message, name, actor);
    const { retries = 0 } = this.#options.calleeOf(owner, callee) ?? {};
    // What was cancelled is not tried again.
    const again = !message.error.startsWith("TASK_CANCELLED") && (retries < 0 || attempt <= retries);
    this.add({ row, ...(again && { only: "timeline" }) });
  }

  /** The thread of the row's worker ended while it ran. What becomes of the task, its owner decides. */
  cutOff(row: TaskRow, reason: string): void {
    const ended: TaskRow = {
      ...row,
      state: "failed",
      endedAt: wallTime(),
      error: `Its thread ended because ${reason}.`,
    };
    this.add({ row: ended, only: "timeline" });
    this.#cutOff.set(row.id, ended);
    if (this.#cutOff.size <= cutOffKept) return;
    const [oldest] = this.#cutOff.keys();
    this.#cutOff.delete(oldest!);
  }

  /** The result of this attempt was lost with its thread: if it stands in a journal, it is no row. */
  annul(task: TaskId, attempt: number): void {
    this.#annulled.add(`${formatObjectId(task)} ${attempt}`);
  }

  /** A task ended by its owner's word. */
  unrun(message: ClientMessage & { type: "unrun" }): void {
    const row = unrunRow(message);
    const last = this.#cutOff.get(row.id);
    this.#cutOff.delete(row.id);
    if (last === undefined || last.attempt !== row.attempt) this.add({ row });
    else this.add({ row: { ...last, state: row.state, error: row.error }, only: "table" });
  }

  /** Everything until now, with what is under way in journals, in the order in which it came. It can be read several times. */
  snapshot(): () => AsyncIterable<LogEntry> {
    this.#gather();
    const length = this.#log?.length ?? 0;
    return () => this.#entries(length);
  }

  async *#entries(length: number): AsyncGenerator<LogEntry> {
    let left = length;
    if (this.#log === undefined || left === 0) return;
    for await (const block of this.#log.blocks()) {
      yield* this.#entriesOf(block);
      left -= 1;
      if (left === 0) return;
    }
  }

  #gather(): void {
    this.#flush();
    for (const reader of this.#journals.values()) reader.read();
  }

  #flush(): void {
    if (this.#rows.length === 0) return;
    const text = Buffer.from(JSON.stringify(this.#rows));
    const words = new Int32Array(Math.ceil(text.length / 4) + 1);
    words[0] = text.length;
    new Uint8Array(words.buffer).set(text, 4);
    this.#append(blockKind.rows, this.#rows.length, words);
    this.#rows = [];
  }

  #append(kind: number, of: number, words: Int32Array): void {
    const block = new Int32Array(headerWords + words.length);
    block[0] = kind;
    block[1] = of;
    block.set(words, headerWords);
    this.#log?.append(new Uint8Array(block.buffer));
  }

  *#entriesOf(block: Uint8Array): Iterable<LogEntry> {
    const { kind, of, words } = open(block);
    if (kind === blockKind.rows) {
      for (const attempt of readRows(words)) yield { kind: "attempt", attempt };
      return;
    }
    for (const record of journalRecords(words)) {
      yield { kind: "calls", worker: of, ...this.#called(of, record.owner, record.callee), record };
    }
  }

  #called(worker: WorkerId, owner: ClientId, callee: number): { name: string; actor: string | null } {
    const { name = "a task", actor } = this.#options.calleeOf(owner, callee) ?? {};
    return { name, actor: actor === undefined ? (this.#actors.get(worker) ?? null) : formatObjectId(actor) };
  }

  *#unpack(block: Uint8Array): Iterable<TaskRow> {
    for (const entry of this.#entriesOf(block)) {
      if (entry.kind === "calls") {
        for (const row of rowsOfCalls(entry)) {
          if (this.#annulled.size === 0 || !this.#annulled.has(`${row.id} ${row.attempt}`)) yield row;
        }
      } else if (entry.attempt.only !== "timeline") yield entry.attempt.row;
    }
  }
}

/** A row for each of the calls that a record stands for. */
function* rowsOfCalls({ worker, name, actor, record }: LogEntry & { kind: "calls" }): Iterable<TaskRow> {
  const { number, stride, count, owner, attempt, parent, submittedAt, startedAt, each } = record;
  const base = owner * 2 ** 32;
  const shared = {
    name,
    kind: actor === null ? "task" : "actor-call",
    state: "finished",
    parent: parent === 0 ? null : formatObjectId(parent),
    actor,
    worker: formatWorkerId(worker),
    attempt,
    submittedAt,
  } as const;
  for (let i = 0; i < count; i++) {
    const start = startedAt + i * each;
    const id = formatObjectId(base + number + i * stride);
    yield { id, ...shared, startedAt: start, endedAt: start + each, error: null };
  }
}

function open(block: Uint8Array): { kind: number; of: number; words: Int32Array } {
  const words = new Int32Array(block.buffer, block.byteOffset, block.length / 4);
  return { kind: words[0]!, of: words[1]!, words: words.subarray(headerWords) };
}

function readRows(words: Int32Array): EndedAttempt[] {
  const text = Buffer.from(words.buffer, words.byteOffset + 4, words[0]);
  return JSON.parse(text.toString()) as EndedAttempt[];
}

function rowsOf(block: Uint8Array): number {
  const { kind, of, words } = open(block);
  return kind === blockKind.rows ? of : countCalls(words);
}
