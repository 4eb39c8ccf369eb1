import { Backlog } from "./backlog.js";

/**
 * A ring of records in shared memory, from one thread to one other. A record is a run of words whose first holds its
 * length; one that would cross the end begins at the front, and -1 marks the gap. The writer alone writes `tail`, after the
 * words before it; the reader alone writes `head`, after it used the words before it. Ended between any two instructions,
 * a writer leaves only words that nobody sees, and a reader leaves the record where it was.
 */
const tailWord = 0;
/** How far complete records go, shown or not: for the reader of a ring whose writer's thread has ended. */
const completeWord = 1;
/** 1 while records wait for room with the writer. */
const waitsWord = 2;
const headWord = 16;
const start = 32;
const gap = -1;

/** Makes a ring of `words` words, a power of two. Memory is taken as it is touched. */
export function createRing(words: number): SharedArrayBuffer {
  return new SharedArrayBuffer((start + words) * 4);
}

/** Where a record is written: `words` from `at` on. */
export interface Space {
  readonly words: Int32Array;
  readonly at: number;
}

/** The writing end. What does not fit waits in a list on this side, in order, so a full ring stops nobody. */
export class RingWriter {
  /** The most words that a record can have. */
  readonly limit: number;
  readonly #words: Int32Array;
  readonly #capacity: number;
  #tail: number;
  #published: number;
  #head: number;
  /** As long as something waits for room. */
  #overflow: Backlog | undefined = undefined;

  constructor(ring: SharedArrayBuffer) {
    this.#words = new Int32Array(ring);
    this.#capacity = this.#words.length - start;
    this.limit = this.#capacity >> 1;
    this.#tail = Atomics.load(this.#words, tailWord);
    this.#published = this.#tail;
    this.#head = Atomics.load(this.#words, headWord);
  }

  /** Space for a record of `length` words, whose first word it sets. Complete it before anything else is called. */
  reserve(length: number): Space {
    if (this.#overflow === undefined) {
      const at = this.#place(length);
      if (at >= 0) {
        this.#words[at] = length;
        return { words: this.#words, at };
      }
    }
    this.#overflow ??= new Backlog();
    const at = this.#overflow.reserve(length);
    return { words: this.#overflow.words, at };
  }

  /**
   * Notes that all reserved records are complete. Of use only when this thread ends before it publishes them, so a plain
   * store will do: who reads it has seen the thread end.
   */
  complete(): void {
    this.#words[completeWord] = this.#tail;
  }

  /** Shows the reader all that was written and fits. Returns whether there was anything new to show. */
  publish(): boolean {
    if (this.#overflow !== undefined) this.#catchUp(this.#overflow);
    if (this.#published === this.#tail) return false;
    this.#published = this.#tail;
    Atomics.store(this.#words, tailWord, this.#tail);
    return true;
  }

  /** Whether something waits for room. */
  get waits(): boolean {
    return this.#overflow !== undefined;
  }

  /** Moves what fits into the ring. Where something is left, the reader is to say when there is room. */
  #catchUp(overflow: Backlog): void {
    this.#drain(overflow);
    if (overflow.length > 0) {
      Atomics.store(this.#words, waitsWord, 1);
      // The reader may have given room back before it could see that.
      this.#drain(overflow);
    }
    if (overflow.length > 0) return;
    Atomics.store(this.#words, waitsWord, 0);
    this.#overflow = undefined;
  }

  #drain(overflow: Backlog): void {
    while (overflow.length > 0) {
      const from = overflow.peek();
      const { words } = overflow;
      const length = words[from]!;
      const to = this.#place(length);
      if (to < 0) return;
      for (let i = 0; i < length; i++) this.#words[to + i] = words[from + i]!;
      overflow.shift();
    }
  }

  #place(length: number): number {
    const capacity = this.#capacity;
    const position = this.#tail & (capacity - 1);
    const toEnd = capacity - position;
    const needed = toEnd < length ? length + toEnd : length;
    if (((this.#tail - this.#head) | 0) + needed > capacity) {
      this.#head = Atomics.load(this.#words, headWord);
      if (((this.#tail - this.#head) | 0) + needed > capacity) return -1;
    }
    this.#tail = (this.#tail + needed) | 0;
    if (toEnd >= length) return start + position;
    this.#words[start + position] = gap;
    return start;
  }
}

/** The reading end. */
export class RingReader {
  readonly words: Int32Array;
  readonly #capacity: number;
  #head: number;
  #tail: number;
  #released: number;

  constructor(ring: SharedArrayBuffer) {
    this.words = new Int32Array(ring);
    this.#capacity = this.words.length - start;
    this.#head = Atomics.load(this.words, headWord);
    this.#tail = this.#head;
    this.#released = this.#head;
  }

  /** Where the next record begins in `words`, -1 when there is none. It stays there until `advance`. */
  peek(): number {
    for (;;) {
      if (this.#tail === this.#head) {
        const tail = Atomics.load(this.words, tailWord);
        // Not less than: what was salvaged lies behind it.
        if (((tail - this.#head) | 0) <= 0) return -1;
        this.#tail = tail;
      }
      const position = this.#head & (this.#capacity - 1);
      if (this.words[start + position] !== gap) return start + position;
      this.#head = (this.#head + this.#capacity - position) | 0;
    }
  }

  /** The record at `at` is used. */
  advance(at: number): void {
    this.#head = (this.#head + this.words[at]!) | 0;
  }

  /** Makes the records readable that were complete, though not shown, when the writer's thread ended. */
  salvage(): void {
    this.peek();
    const complete = this.words[completeWord]!;
    if (((complete - this.#tail) | 0) > 0) this.#tail = complete;
  }

  /** Gives the room of the used records back to the writer; returns whether it waits for that, and should be rung. */
  release(): boolean {
    if (this.#released === this.#head) return false;
    this.#released = this.#head;
    Atomics.store(this.words, headWord, this.#head);
    return Atomics.load(this.words, waitsWord) === 1;
  }
}
