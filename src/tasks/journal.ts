import { readDouble, writeDouble } from "./rings/words.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/**
 * What became of the calls that a thread ran, in chunks of shared memory: written by that thread, read by the node thread.
 * See `LAYOUT.md`. Calls of one function that were submitted together and ran in a row are one record, so that a million
 * short tasks take little room. A full chunk goes to the node thread unread, which copies it and frees it for the next round.
 */
const completeWord = 0;
const stateWord = 1;
const recordsStart = 4;
const recordWords = 16;
const firstChunkRecords = 200;
const chunkRecords = 1800;
/** Chunks of a thread that the node thread has not copied yet; beyond them rows are lost. */
const mostChunks = 64;

/** What the journal is told of a call. */
export interface CallFacts {
  readonly number: number;
  readonly calleeNumber: number;
  readonly parent: TaskId;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  readonly attempt: number;
}

/** The writing side. */
export class JournalWriter {
  readonly #tell: (chunk: SharedArrayBuffer) => void;
  readonly #chunks: Int32Array[] = [];
  #words: Int32Array = new Int32Array(recordsStart);
  #capacity = 0;
  /** Records begun, and the first of them whose times are not known yet. */
  #records = 0;
  #open = 0;
  /** Calls since the last time that times were told. */
  #position = 0;
  // The newest record, which the next call may go on with.
  #count = 0;
  #number = 0;
  #stride = 0;
  #owner = 0;
  #callee = 0;
  #attempt = 0;
  #parent = 0;
  #submitted = 0;

  /**
   * `tell` gets each chunk before anything is written to it, and must say so to the node thread at once: the chunk before it
   * is complete then.
   */
  constructor(tell: (chunk: SharedArrayBuffer) => void) {
    this.#tell = tell;
    this.#turn();
  }

  /** Notes a call that succeeded; its times follow by `ended`. */
  add(call: CallFacts, owner: ClientId): void {
    const { number, calleeNumber, parent, submitted, attempt } = call;
    if (
      this.#count > 0 &&
      submitted === this.#submitted &&
      parent === this.#parent &&
      calleeNumber === this.#callee &&
      owner === this.#owner &&
      attempt === this.#attempt
    ) {
      const stride = (number - this.#number) | 0;
      if (this.#count === 1 || stride === this.#stride) {
        this.#stride = stride;
        this.#count += 1;
        this.#number = number;
        this.#position += 1;
        return;
      }
    }
    this.#close();
    this.#position += 1;
    this.#count = 1;
    this.#number = number;
    this.#stride = 0;
    this.#owner = owner;
    this.#callee = calleeNumber;
    this.#attempt = attempt;
    this.#parent = parent;
    this.#submitted = submitted;
  }

  /** A call ran of which somebody else tells. */
  skip(): void {
    this.#close();
    this.#position += 1;
  }

  /**
   * The calls noted since the last time began at `began` (milliseconds since 1970) and took `each` milliseconds, one after the
   * other.
   */
  ended(began: number, each: number): void {
    this.#close();
    for (let i = this.#open; i < this.#records; i++) {
      const at = recordsStart + i * recordWords;
      writeDouble(this.#words, at + 12, began + this.#words[at + 6]! * each);
      writeDouble(this.#words, at + 14, each);
    }
    this.#open = this.#records;
    this.#position = 0;
    Atomics.store(this.#words, completeWord, this.#records);
  }

  /** The calls noted since the last time ran one after the other, from `began` to `ended`. */
  endedBy(began: number, ended: number): void {
    if (this.#position > 0) this.ended(began, (ended - began) / this.#position);
  }

  /** Writes the newest record, without its times. */
  #close(): void {
    const count = this.#count;
    if (count === 0) return;
    this.#count = 0;
    if (this.#records === this.#capacity && !this.#turn()) return;
    const words = this.#words;
    const at = recordsStart + this.#records * recordWords;
    words[at] = (this.#number - this.#stride * (count - 1)) | 0;
    words[at + 1] = this.#owner;
    words[at + 2] = this.#callee;
    words[at + 3] = this.#attempt;
    words[at + 4] = count === 1 ? 0 : this.#stride;
    words[at + 5] = count;
    // Until the times are known: how many calls came before.
    words[at + 6] = this.#position - count;
    writeDouble(words, at + 8, this.#parent);
    writeDouble(words, at + 10, this.#submitted);
    this.#records += 1;
  }

  /** Goes on in a free chunk, with the records whose times are not known; returns whether there is one. */
  #turn(): boolean {
    const open = this.#words.subarray(
      recordsStart + this.#open * recordWords,
      recordsStart + this.#records * recordWords,
    );
    const opened = this.#records - this.#open;
    const needed = Math.max(this.#chunks.length === 0 ? firstChunkRecords : chunkRecords, 2 * opened);
    let next = this.#chunks.find(
      (words) => Atomics.load(words, stateWord) === 0 && words.length >= recordsStart + needed * recordWords,
    );
    if (next === undefined) {
      if (this.#chunks.length >= mostChunks) return false;
      next = new Int32Array(new SharedArrayBuffer((recordsStart + needed * recordWords) * 4));
      this.#chunks.push(next);
    }
    Atomics.store(next, completeWord, 0);
    Atomics.store(next, stateWord, 1);
    next.set(open, recordsStart);
    this.#words = next;
    this.#capacity = Math.floor((next.length - recordsStart) / recordWords);
    this.#records = opened;
    this.#open = 0;
    this.#tell(next.buffer as SharedArrayBuffer);
    return true;
  }
}

/** The node thread's side of one thread's journal. */
export class JournalReader {
  readonly #take: (records: Int32Array) => void;
  #words: Int32Array | undefined;
  #read = 0;

  /** `take` gets copies of records, as many as were complete. */
  constructor(take: (records: Int32Array) => void) {
    this.#take = take;
  }

  /** The thread goes on in this chunk: the one before is complete, and free for it again once it was read. */
  turn(chunk: SharedArrayBuffer): void {
    this.read();
    if (this.#words !== undefined) Atomics.store(this.#words, stateWord, 0);
    this.#words = new Int32Array(chunk);
    this.#read = 0;
  }

  /** Takes what was completed since the last time. */
  read(): void {
    const words = this.#words;
    if (words === undefined) return;
    const complete = Atomics.load(words, completeWord);
    if (complete === this.#read) return;
    this.#take(words.slice(recordsStart + this.#read * recordWords, recordsStart + complete * recordWords));
    this.#read = complete;
  }
}

/** Calls in a row as they stand in a journal: the first one, and how the others differ. */
export interface JournalRecord {
  /** Of the first call; that of the next one is `stride` more. */
  readonly number: number;
  readonly stride: number;
  readonly count: number;
  readonly owner: ClientId;
  readonly callee: number;
  readonly attempt: number;
  /** 0 for none. */
  readonly parent: TaskId;
  /** Milliseconds since 1970. */
  readonly submittedAt: number;
  /** When the first call began, and what each of them took, one after the other. */
  readonly startedAt: number;
  readonly each: number;
}

/** The records in a copy of a journal's words. */
export function* journalRecords(words: Int32Array): Iterable<JournalRecord> {
  for (let at = 0; at < words.length; at += recordWords) {
    yield {
      number: words[at]! >>> 0,
      stride: words[at + 4]!,
      count: words[at + 5]!,
      owner: words[at + 1]!,
      callee: words[at + 2]!,
      attempt: words[at + 3]!,
      parent: readDouble(words, at + 8),
      submittedAt: readDouble(words, at + 10),
      startedAt: readDouble(words, at + 12),
      each: readDouble(words, at + 14),
    };
  }
}

/** How many calls the records in a copy of a journal's words stand for. */
export function countCalls(words: Int32Array): number {
  let calls = 0;
  for (let at = 0; at < words.length; at += recordWords) calls += words[at + 5]!;
  return calls;
}
