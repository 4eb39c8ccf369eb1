/** Words of a chunk; a longer record gets one of its own. */
const chunkWords = 1 << 14;

interface Chunk {
  readonly words: Int32Array;
  end: number;
}

/** Records that found no room in shared memory, in order, in their writer's heap. The first word of each is its length. */
export class Backlog {
  readonly #chunks: Chunk[] = [];
  #first = 0;
  #read = 0;
  #length = 0;
  /** Where the record lies that `reserve` or `peek` was last asked for. */
  words: Int32Array = new Int32Array(0);

  /** How many records wait. */
  get length(): number {
    return this.#length;
  }

  /** Room for a record at the end: where it begins in `words`. */
  reserve(length: number): number {
    let chunk = this.#chunks.at(-1);
    if (chunk === undefined || this.#first === this.#chunks.length || chunk.end + length > chunk.words.length) {
      chunk = { words: new Int32Array(Math.max(chunkWords, length)), end: 0 };
      this.#chunks.push(chunk);
    }
    const at = chunk.end;
    chunk.words[at] = length;
    chunk.end += length;
    this.#length += 1;
    this.words = chunk.words;
    return at;
  }

  /** Where the first record begins in `words`. There must be one. */
  peek(): number {
    this.words = this.#chunks[this.#first]!.words;
    return this.#read;
  }

  /** Takes the first record away. */
  shift(): void {
    const chunk = this.#chunks[this.#first]!;
    this.#read += chunk.words[this.#read]!;
    this.#length -= 1;
    if (this.#read < chunk.end) return;
    this.#read = 0;
    this.#first += 1;
    if (this.#first < 64 && this.#first < this.#chunks.length) return;
    this.#chunks.splice(0, this.#first);
    this.#first = 0;
  }

  /** Where each record lies, in order. */
  *[Symbol.iterator](): Iterator<{ readonly words: Int32Array; readonly at: number }> {
    for (let i = this.#first; i < this.#chunks.length; i++) {
      const { words, end } = this.#chunks[i]!;
      for (let at = i === this.#first ? this.#read : 0; at < end; at += words[at]!) yield { words, at };
    }
  }

  /** Takes out those records that are not to be kept; the others stay in order. For rare cases. */
  filter(keep: (words: Int32Array, at: number) => boolean): void {
    const kept: Int32Array[] = [];
    while (this.#length > 0) {
      const at = this.peek();
      if (keep(this.words, at)) kept.push(this.words.slice(at, at + this.words[at]!));
      this.shift();
    }
    for (const record of kept) {
      const at = this.reserve(record.length);
      this.words.set(record, at);
    }
  }
}
