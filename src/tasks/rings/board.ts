/**
 * A task board: the calls of one thread (its owner), for any CPU worker to take. See `../LAYOUT.md`.
 *
 * Each slot is a state word and the place of a call. Who may write the state word:
 * - empty → ready: the owner, before it moves `tail` past the slot.
 * - ready → claimed by a worker: that worker, by compare-and-exchange; or ready → empty by the owner, the same way, when
 *   it withdraws the call. Exactly one of them succeeds.
 * - claimed → running by the same worker: that worker, when the call's code begins.
 * - running → answered: that worker, when it has written the result, before anybody can read it.
 * - claimed, running or answered → empty: the owner, when it has read the result, or when the worker's thread is seen to have ended.
 *
 * So a thread that is ended at any instruction leaves each slot in a state that says who had it and whether its code had begun.
 * A ready slot is always between `cursor` and `tail`: a call that is to run again is put up anew at the tail.
 */
const tailWord = 0;
const cursorWord = 16;
const slotsStart = 32;
const wordsPerSlot = 2;

const empty = 0;
const ready = 1;
const claimedBase = 2;
const runningBase = 3;
const answeredBase = 4;
const stateOf = (base: number, worker: number) => base + 3 * worker;

/** How many calls of one owner can be up at once: a power of two. */
export const boardSlots = 1 << 14;

/** A board's memory: slots, and behind them the area in which calls lie. */
export interface BoardMemory {
  readonly slots: SharedArrayBuffer;
  readonly area: SharedArrayBuffer;
}

/** A cache line: most calls fit one. */
const smallestPlace = 4;
const largestPlace = 14;
/** The most words that a call on a board can have. */
export const callLimit = 1 << largestPlace;

export function createBoard(slots = boardSlots, areaWords = 1 << 22): BoardMemory {
  return {
    slots: new SharedArrayBuffer((slotsStart + slots * wordsPerSlot) * 4),
    area: new SharedArrayBuffer(areaWords * 4),
  };
}

/** What a worker had when its thread ended. */
export interface Abandoned {
  readonly slot: number;
  /** Whether the call's code had begun, so that it may be to blame. */
  readonly begun: boolean;
  /** Whether it had a result, which nobody has read. */
  readonly answered: boolean;
}

/** The owner's side. Places in the area come in sizes of powers of two; only the owner gives and takes them. */
export class BoardOwner {
  readonly words: Int32Array;
  readonly #slots: Int32Array;
  readonly #count: number;
  readonly #free: number[][] = [];
  #bump = 0;
  #tail = 0;
  #published = 0;
  #used = 0;

  constructor({ slots, area }: BoardMemory) {
    this.#slots = new Int32Array(slots);
    this.words = new Int32Array(area);
    this.#count = (this.#slots.length - slotsStart) / wordsPerSlot;
    for (let size = 0; size <= largestPlace; size++) this.#free.push([]);
  }

  /** How many slots are not empty. */
  get used(): number {
    return this.#used;
  }

  /** How many words of the area hold calls. */
  get wordsUsed(): number {
    return this.#free.reduce((used, places, size) => used - (places.length << size), this.#bump);
  }

  /** Takes room for a call of `length` words and returns its place; -1 when slots or room are short. Write the call there, then `show` it. */
  reserve(length: number): number {
    if (this.#used >= this.#count) return -1;
    return this.#allocate(length);
  }

  /** Where in `words` a place begins. */
  static at(place: number): number {
    return place & ~0xf;
  }

  /** Puts up the call that was written at a place; returns its slot. Workers look for it after `publish`. */
  show(place: number): number {
    const mask = this.#count - 1;
    let slot = this.#tail & mask;
    // A slot whose call runs longer than a whole round is passed over, by workers too: it is not ready. That it is empty only
    // this thread can have said.
    while (this.#slots[slotsStart + slot * wordsPerSlot] !== empty) {
      this.#tail = (this.#tail + 1) | 0;
      slot = this.#tail & mask;
    }
    const at = slotsStart + slot * wordsPerSlot;
    this.#slots[at + 1] = place;
    // Nobody looks at it before `publish`.
    this.#slots[at] = ready;
    this.#tail = (this.#tail + 1) | 0;
    this.#used += 1;
    return slot;
  }

  /** Where in `words` the call of a slot lies. */
  placeOf(slot: number): number {
    return this.#slots[slotsStart + slot * wordsPerSlot + 1]! & ~0xf;
  }

  /** Shows workers all that was put up; returns how many that were. */
  publish(): number {
    const fresh = (this.#tail - this.#published) | 0;
    if (fresh !== 0) {
      this.#published = this.#tail;
      Atomics.store(this.#slots, tailWord, this.#tail);
    }
    return fresh;
  }

  /** How many calls may wait: those shown and not passed by the workers' cursor. */
  get waiting(): number {
    return (this.#published - Atomics.load(this.#slots, cursorWord)) | 0;
  }

  /** The result of the slot's call was read. */
  retire(slot: number): void {
    const at = slotsStart + slot * wordsPerSlot;
    this.#release(this.#slots[at + 1]!);
    this.#used -= 1;
    this.#slots[at] = empty;
  }

  /** The slots of calls that nobody had taken when it looked, newest first. */
  *newestReady(): Iterable<number> {
    let left = this.#used;
    for (let i = 1; left > 0 && i <= this.#count; i++) {
      const slot = (this.#tail - i) & (this.#count - 1);
      const state = Atomics.load(this.#slots, slotsStart + slot * wordsPerSlot);
      if (state !== empty) left -= 1;
      if (state === ready) yield slot;
    }
  }

  /** Takes a call back that nobody has taken; returns whether that was so. */
  withdraw(slot: number): boolean {
    const at = slotsStart + slot * wordsPerSlot;
    if (Atomics.compareExchange(this.#slots, at, ready, empty) !== ready) return false;
    this.#release(this.#slots[at + 1]!);
    this.#used -= 1;
    return true;
  }

  /** The slots of a worker whose thread has ended. The owner retires each, or puts its call up again. */
  abandonedBy(worker: number): Abandoned[] {
    const found: Abandoned[] = [];
    for (let slot = 0; slot < this.#count; slot++) {
      const state = Atomics.load(this.#slots, slotsStart + slot * wordsPerSlot);
      if (state === stateOf(claimedBase, worker)) found.push({ slot, begun: false, answered: false });
      else if (state === stateOf(runningBase, worker)) found.push({ slot, begun: true, answered: false });
      // Its result was not shown any more.
      else if (state === stateOf(answeredBase, worker)) found.push({ slot, begun: true, answered: true });
    }
    return found;
  }

  /** Puts the call of an abandoned slot up once more, at the tail; returns its new slot. */
  putAgain(slot: number): number {
    const at = slotsStart + slot * wordsPerSlot;
    const place = this.#slots[at + 1]!;
    Atomics.store(this.#slots, at, empty);
    this.#used -= 1;
    return this.show(place);
  }

  /** Returns the place with its size in the low four bits, -1 when the area is full. */
  #allocate(length: number): number {
    const size = Math.max(smallestPlace, 32 - Math.clz32(length - 1));
    if (size > largestPlace) return -1;
    const known = this.#free[size]!.pop();
    if (known !== undefined) return known;
    if (this.#bump + (1 << size) > this.words.length) return -1;
    const place = this.#bump | size;
    this.#bump += 1 << size;
    return place;
  }

  #release(place: number): void {
    this.#free[place & 0xf]!.push(place);
  }
}

/** A call as it stood on a board when somebody looked. */
export interface BoardEntry {
  /** Where the call lies in the area. */
  readonly at: number;
  /** The worker that has it; undefined while nobody has. */
  readonly worker: number | undefined;
  readonly running: boolean;
}

/** The calls of a board that have not ended, for the node, which only looks: an entry may be out of date at once. */
export function* lookAtBoard({ slots }: BoardMemory): Iterable<BoardEntry> {
  const words = new Int32Array(slots);
  for (let i = slotsStart; i < words.length; i += wordsPerSlot) {
    const state = Atomics.load(words, i);
    if (state === empty) continue;
    const at = words[i + 1]! & ~0xf;
    if (state === ready) yield { at, worker: undefined, running: false };
    else {
      const worker = Math.floor((state - claimedBase) / 3);
      const base = state - 3 * worker;
      if (base !== answeredBase) yield { at, worker, running: base === runningBase };
    }
  }
}

/** How many slots of a board are not empty, for the node. */
export function countUsed({ slots }: BoardMemory): number {
  const words = new Int32Array(slots);
  let calls = 0;
  for (let i = slotsStart; i < words.length; i += wordsPerSlot) if (Atomics.load(words, i) !== empty) calls += 1;
  return calls;
}

/** Whether calls are shown that nobody has taken, when somebody looks. */
export function hasWaiting({ slots }: BoardMemory): boolean {
  const words = new Int32Array(slots);
  return Atomics.load(words, cursorWord) !== Atomics.load(words, tailWord);
}

/** A worker's side. `words` is where the calls lie. */
export class BoardClaimer {
  readonly words: Int32Array;
  readonly #slots: Int32Array;
  readonly #count: number;
  readonly #claimed: number;
  readonly #running: number;
  readonly #answered: number;

  constructor({ slots, area }: BoardMemory, worker: number) {
    this.#slots = new Int32Array(slots);
    this.words = new Int32Array(area);
    this.#count = (this.#slots.length - slotsStart) / wordsPerSlot;
    this.#claimed = stateOf(claimedBase, worker);
    this.#running = stateOf(runningBase, worker);
    this.#answered = stateOf(answeredBase, worker);
  }

  /** Takes up to `most` calls, oldest first, and adds their slots to `taken`; returns how many. */
  claim(most: number, taken: number[]): number {
    const slots = this.#slots;
    const mask = this.#count - 1;
    // In this order: a tail read before the cursor could be behind it.
    const first = Atomics.load(slots, cursorWord);
    const tail = Atomics.load(slots, tailWord);
    let got = 0;
    let next = first;
    while (next !== tail && got < most) {
      const slot = next & mask;
      if (Atomics.compareExchange(slots, slotsStart + slot * wordsPerSlot, ready, this.#claimed) === ready) {
        taken.push(slot);
        got += 1;
      }
      next = (next + 1) | 0;
    }
    // All before `next` are not ready and will not be again. Who comes too late to say so leaves it to the others.
    if (next !== first) Atomics.compareExchange(slots, cursorWord, first, next);
    return got;
  }

  /** How many calls may wait: those shown and not passed by the cursor. */
  get waiting(): number {
    const cursor = Atomics.load(this.#slots, cursorWord);
    return (Atomics.load(this.#slots, tailWord) - cursor) | 0;
  }

  placeOf(slot: number): number {
    return this.#slots[slotsStart + slot * wordsPerSlot + 1]! & ~0xf;
  }

  /** Says that the call's code begins. Nobody reads it while this thread lives, so a plain write is enough. */
  begin(slot: number): void {
    this.#slots[slotsStart + slot * wordsPerSlot] = this.#running;
  }

  /** Says that the call has its result, which is not shown yet. */
  end(slot: number): void {
    this.#slots[slotsStart + slot * wordsPerSlot] = this.#answered;
  }
}
