import { readDouble, writeDouble } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/**
 * What became of the calls that a thread ran: records of 12 words in chunks of shared memory, written by that thread and
 * read by the node thread when somebody asks. A chunk's word 0 says how many of its records are complete; it is written
 * after them. A thread has a fixed number of chunks and then writes over its oldest: before it does, it counts up word 1
 * and sets word 0 to zero, so that a reader knows what it must not believe. A thread that is ended leaves what it had counted.
 */
const recordWords = 12;
const recordsStart = 2;
/** Records of a chunk. */
const chunkRecords = 1 << 13;
/** Chunks of a thread: enough for all rows that the tables keep. */
const chunkCount = 13;

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
  readonly #chunks: Int32Array[] = [];
  #current = 0;
  #words: Int32Array;
  #count = 0;
  /** The first record whose times are not known yet. */
  #open = 0;
  readonly #tell: (chunk: SharedArrayBuffer) => void;

  /** `tell` gets each chunk when it is made: the first one now. */
  constructor(tell: (chunk: SharedArrayBuffer) => void) {
    this.#tell = tell;
    this.#words = this.#make();
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

  /** The calls noted since the last time ran one after the other from `began` to `ended`. */
  endedBy(began: number, ended: number): void {
    if (this.#count > this.#open) this.ended(began, (ended - began) / (this.#count - this.#open));
  }

  #turn(): void {
    this.ended(Date.now(), 0);
    this.#current = (this.#current + 1) % chunkCount;
    this.#words = this.#chunks[this.#current] ?? this.#make();
    Atomics.add(this.#words, 1, 1);
    Atomics.store(this.#words, 0, 0);
    this.#count = 0;
    this.#open = 0;
  }

  #make(): Int32Array {
    const chunk = new SharedArrayBuffer((recordsStart + chunkRecords * recordWords) * 4);
    const words = new Int32Array(chunk);
    this.#chunks.push(words);
    this.#tell(chunk);
    return words;
  }
}

/** One chunk, for the node thread: what it read of it, and what is new. */
export class JournalReader {
  readonly #words: Int32Array;
  #round = 0;
  #read = 0;

  constructor(chunk: SharedArrayBuffer) {
    this.#words = new Int32Array(chunk);
  }

  /** The records that were completed since the last call; none when they are being written over meanwhile. */
  take(): JournalEntry[] {
    const words = this.#words;
    const round = Atomics.load(words, 1);
    const count = Atomics.load(words, 0);
    const from = round === this.#round ? this.#read : 0;
    const entries: JournalEntry[] = [];
    for (let i = from; i < count; i++) entries.push(entryAt(words, recordsStart + i * recordWords));
    if (Atomics.load(words, 1) !== round) return [];
    this.#round = round;
    this.#read = count;
    return entries;
  }
}

function entryAt(words: Int32Array, at: number): JournalEntry {
  return {
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
