import { readDouble, writeDouble } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/**
 * What became of the calls that a thread ran: records of 12 words in chunks of shared memory, written by that thread and
 * read by the node thread when somebody asks. A chunk's word 0 says how many of its records are complete; it is written
 * after them. A thread that is ended leaves a chunk with those that it had counted.
 */
const recordWords = 12;
const recordsStart = 2;
/** Records of a chunk. */
const chunkRecords = 1 << 13;

/** What the journal is told of a call. */
export interface CallFacts {
  readonly number: number;
  readonly calleeNumber: number;
  readonly parent: TaskId;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  readonly attempt: number;
}

/** A call that ended, as it stands in the journal. */
export interface JournalEntry {
  readonly task: TaskId;
  readonly owner: ClientId;
  readonly callee: number;
  readonly attempt: number;
  readonly failed: boolean;
  readonly parent: TaskId;
  /** Milliseconds since 1970. */
  readonly submittedAt: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** The writing side. */
export class JournalWriter {
  chunk: SharedArrayBuffer;
  #words: Int32Array;
  #count = 0;
  /** The first record whose times are not known yet. */
  #open = 0;
  readonly #replaced: (chunk: SharedArrayBuffer) => void;

  /** `replaced` gets each further chunk, when the one before is full. */
  constructor(replaced: (chunk: SharedArrayBuffer) => void) {
    this.#replaced = replaced;
    this.chunk = newChunk();
    this.#words = new Int32Array(this.chunk);
  }

  /** Notes a call; its times follow by `ended`. */
  add(call: CallFacts, owner: ClientId, failed: boolean): void {
    if (this.#count === chunkRecords) this.#turn();
    const words = this.#words;
    const to = recordsStart + this.#count * recordWords;
    words[to] = call.number;
    words[to + 1] = owner;
    words[to + 2] = call.calleeNumber;
    words[to + 3] = (call.attempt << 1) | (failed ? 1 : 0);
    writeDouble(words, to + 4, call.parent);
    writeDouble(words, to + 6, call.submitted);
    this.#count += 1;
  }

  /** The calls noted since the last time began at `began` and took `each` milliseconds, one after the other. */
  ended(began: number, each: number): void {
    for (let i = this.#open; i < this.#count; i++) {
      const at = recordsStart + i * recordWords;
      const start = began + (i - this.#open) * each;
      writeDouble(this.#words, at + 8, start);
      writeDouble(this.#words, at + 10, start + each);
    }
    this.#open = this.#count;
    Atomics.store(this.#words, 0, this.#count);
  }

  #turn(): void {
    this.ended(Date.now(), 0);
    this.chunk = newChunk();
    this.#words = new Int32Array(this.chunk);
    this.#count = 0;
    this.#open = 0;
    this.#replaced(this.chunk);
  }
}

/** How many records of a chunk are complete. */
export function journalLength(chunk: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(chunk), 0);
}

/** The records of a chunk from position `from` on. */
export function* readJournal(chunk: SharedArrayBuffer, from: number): Iterable<JournalEntry> {
  const words = new Int32Array(chunk);
  const count = Atomics.load(words, 0);
  for (let i = from; i < count; i++) {
    const at = recordsStart + i * recordWords;
    yield {
      task: words[at + 1]! * 2 ** 32 + (words[at]! >>> 0),
      owner: words[at + 1]!,
      callee: words[at + 2]!,
      attempt: words[at + 3]! >> 1,
      failed: (words[at + 3]! & 1) === 1,
      parent: readDouble(words, at + 4),
      submittedAt: readDouble(words, at + 6),
      startedAt: readDouble(words, at + 8),
      endedAt: readDouble(words, at + 10),
    };
  }
}

/** Whether a chunk will get no more records. */
export function isFullJournal(chunk: SharedArrayBuffer): boolean {
  return journalLength(chunk) === chunkRecords;
}

function newChunk(): SharedArrayBuffer {
  return new SharedArrayBuffer((recordsStart + chunkRecords * recordWords) * 4);
}
