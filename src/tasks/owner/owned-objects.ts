import { collectGarbage } from "../../store/garbage.js";
import type { StoredValue } from "../../store/value.js";
import type { Failure } from "../failure.js";

/** What is known of an object by the thread that owns it. */
export const objectState = {
  /** It is none of this thread's, or it is gone. */
  none: 0,
  pending: 1,
  value: 2,
  failure: 3,
  /** The node has it: it is asked for there. */
  away: 4,
} as const;

const stateMask = 7;
/** No reference of this thread to it is left. */
const released = 8;
/** Another thread may have a reference: its outcome goes to the node, too. */
const shared = 16;
/** Somebody has asked for it. */
const asked = 32;
/** An actor makes it: its call is on no board. */
const ofActor = 64;

/** Waits for one or more objects. */
export interface Waiter {
  /** The object with this number is pending no more. */
  settled(number: number): void;
}

const blockBits = 8;
const blockSize = 1 << blockBits;
/** After so many new objects the thread collects its garbage: what is behind lost references V8 does not count as such. */
const collectAfter = 1 << 20;

interface Block {
  readonly states: Uint8Array;
  /** Values or failures. */
  readonly outcomes: unknown[];
  waiters: (Waiter | Waiter[] | undefined)[] | undefined;
  /** How many objects of it are left. */
  left: number;
  /** What its newest references hold. Kept here while new ones may be made. */
  token: object | undefined;
  /** Which positions belong to that token. */
  range: Range;
}

/** Positions of a block whose references hold the same token. */
interface Range {
  readonly index: number;
  readonly from: number;
  to: number;
}

/**
 * The objects that this thread owns: results of what it submitted and what it put, by number. They are private until a
 * reference to them leaves the thread; from then on the node has them.
 *
 * Objects come in blocks of 256, with one finalizer each: a reference holds the token of its block, and when the token is
 * collected, none of its references is left.
 */
export class OwnedObjects {
  readonly #blocks = new Map<number, Block>();
  readonly #finalizers = new FinalizationRegistry<Range>((range) => this.#collected(range));
  readonly #letGo: (number: number) => void;
  readonly #unread: (failure: Failure) => void;
  readonly #pins = new Map<number, number>();
  /** How often somebody who waited had what it waited for. */
  answered = 0;
  #newest: Block | undefined;
  #newestIndex = -1;
  #lastRead: Block | undefined;
  #lastReadIndex = -1;
  #size = 0;
  #pending = 0;
  #addedSinceCollection = 0;

  /**
   * `letGo` hears of each object that the node has, when this thread has no reference to it left; `unread` of each failure
   * that nobody has asked for then.
   */
  constructor(letGo: (number: number) => void, unread: (failure: Failure) => void) {
    this.#letGo = letGo;
    this.#unread = unread;
  }

  /** How many there are here: those that the node has not counted. */
  get size(): number {
    return this.#size;
  }

  get pending(): number {
    return this.#pending;
  }

  /** Notes a new object, which is pending; numbers only grow. Returns what its reference must hold. */
  add(number: number, byActor = false): object {
    const index = number >>> blockBits;
    if (index !== this.#newestIndex) this.#open(index);
    const block = this.#newest!;
    block.states[number & (blockSize - 1)] = byActor ? objectState.pending | ofActor : objectState.pending;
    block.left += 1;
    this.#size += 1;
    this.#pending += 1;
    return block.token ?? this.#renew(block, number);
  }

  /** Lets references that exist be collected, though the newest block has room for more. */
  seal(): void {
    const block = this.#newest;
    if (block !== undefined) block.token = undefined;
  }

  stateOf(number: number): number {
    const block = this.#block(number);
    return block === undefined ? objectState.none : block.states[number & (blockSize - 1)]! & stateMask;
  }

  isReleased(number: number): boolean {
    const state = this.#block(number)?.states[number & (blockSize - 1)] ?? 0;
    return state === 0 || (state & released) !== 0;
  }

  isOfActor(number: number): boolean {
    const block = this.#block(number);
    return block !== undefined && (block.states[number & (blockSize - 1)]! & ofActor) !== 0;
  }

  isShared(number: number): boolean {
    const block = this.#block(number);
    return block !== undefined && (block.states[number & (blockSize - 1)]! & shared) !== 0;
  }

  /** Of an object in the state `value`. */
  valueOf(number: number): StoredValue {
    return this.#block(number)!.outcomes[number & (blockSize - 1)] as StoredValue;
  }

  /** Of an object in the state `failure`. */
  failureOf(number: number): Failure {
    const block = this.#block(number)!;
    block.states[number & (blockSize - 1)]! |= asked;
    return block.outcomes[number & (blockSize - 1)] as Failure;
  }

  /** Notes that somebody asks for an object, if it is one of these: should it be a failure, that is no secret. */
  ask(number: number): void {
    const block = number > 0 && number < 2 ** 32 ? this.#block(number) : undefined;
    if (block !== undefined && block.states[number & (blockSize - 1)] !== 0) {
      block.states[number & (blockSize - 1)]! |= asked;
    }
  }

  /** Tells of all failures that nobody has asked for. */
  tellUnread(): void {
    for (const block of this.#blocks.values()) {
      for (let at = 0; at < blockSize; at++) {
        this.#tellIfUnread(block, at);
        block.states[at]! |= block.states[at] === 0 ? 0 : asked;
      }
    }
  }

  #tellIfUnread(block: Block, at: number): void {
    const state = block.states[at]!;
    if ((state & stateMask) === objectState.failure && (state & asked) === 0) {
      this.#unread(block.outcomes[at] as Failure);
    }
  }

  /** Gives a pending object its outcome; returns false when it is pending no more. */
  settle(number: number, state: number, outcome: StoredValue | Failure): boolean {
    const block = this.#block(number);
    const at = number & (blockSize - 1);
    if (block === undefined || (block.states[at]! & stateMask) !== objectState.pending) return false;
    block.states[at] = (block.states[at]! & ~stateMask) | state;
    block.outcomes[at] = outcome;
    this.#pending -= 1;
    if (state === objectState.away) this.#size -= 1;
    if (block.waiters !== undefined) this.#tell(block, number);
    if ((block.states[at]! & released) !== 0) this.#remove(number, block);
    return true;
  }

  /** Puts a failure in the place of a value that is there. */
  spoil(number: number, failure: Failure): void {
    const block = this.#block(number)!;
    const at = number & (blockSize - 1);
    block.states[at] = (block.states[at]! & ~stateMask) | objectState.failure;
    block.outcomes[at] = failure;
  }

  /** The node has the object from now on, or will have it once it is made. */
  share(number: number): void {
    const block = this.#block(number)!;
    const at = number & (blockSize - 1);
    block.states[at]! |= shared;
    if ((block.states[at]! & stateMask) !== objectState.pending) this.#goAway(block, at);
  }

  /** A shared object has its outcome, and the node was told. */
  handOver(number: number): void {
    const block = this.#block(number);
    if (block !== undefined) this.#goAway(block, number & (blockSize - 1));
  }

  /** Tells `waiter` when a pending object is pending no more. */
  wait(number: number, waiter: Waiter): void {
    const block = this.#block(number)!;
    const at = number & (blockSize - 1);
    block.waiters ??= new Array(blockSize).fill(undefined);
    const known = block.waiters[at];
    if (known === undefined) block.waiters[at] = waiter;
    else if (Array.isArray(known)) known.push(waiter);
    else block.waiters[at] = [known, waiter];
  }

  /** `waiter` is not to be told any more. */
  unwait(number: number, waiter: Waiter): void {
    const waiters = this.#block(number)?.waiters;
    const at = number & (blockSize - 1);
    const known = waiters?.[at];
    if (known === waiter) waiters![at] = undefined;
    else if (Array.isArray(known)) waiters![at] = known.filter((other) => other !== waiter);
  }

  /** Keeps an object, whoever else lets go of it, until `unpin`. */
  pin(number: number): void {
    this.#pins.set(number, (this.#pins.get(number) ?? 0) + 1);
  }

  unpin(number: number): void {
    const pins = this.#pins.get(number)! - 1;
    if (pins > 0) {
      this.#pins.set(number, pins);
      return;
    }
    this.#pins.delete(number);
    const block = this.#block(number);
    const state = block?.states[number & (blockSize - 1)] ?? 0;
    if ((state & released) !== 0 && (state & stateMask) !== objectState.pending) this.#remove(number, block!);
  }

  /** The thread's first reference to it is gone. */
  release(number: number): void {
    const block = this.#block(number);
    if (block === undefined) return;
    const at = number & (blockSize - 1);
    const state = block.states[at]!;
    if (state === 0 || (state & released) !== 0) return;
    block.states[at] = state | released;
    if ((state & stateMask) !== objectState.pending) this.#remove(number, block);
  }

  /** Fails all that is pending. */
  failPending(failure: Failure): void {
    for (const [index, block] of [...this.#blocks]) {
      for (let at = 0; at < blockSize; at++) {
        if ((block.states[at]! & stateMask) !== objectState.pending) continue;
        this.settle(index * blockSize + at, objectState.failure, failure);
      }
    }
  }

  #open(index: number): void {
    this.#addedSinceCollection += blockSize;
    // As many as there were before at the least, so that holding many references costs no more than holding few.
    if (this.#addedSinceCollection >= Math.max(collectAfter, this.#size - this.#addedSinceCollection)) {
      this.#addedSinceCollection = 0;
      collectGarbage();
    }
    const last = this.#newest;
    if (last !== undefined) {
      last.token = undefined;
      if (last.left === 0) this.#blocks.delete(this.#newestIndex);
    }
    const token = {};
    const range = { index, from: 0, to: blockSize };
    this.#newest = {
      states: new Uint8Array(blockSize),
      outcomes: new Array(blockSize).fill(undefined),
      waiters: undefined,
      left: 0,
      token,
      range,
    };
    this.#newestIndex = index;
    this.#blocks.set(index, this.#newest);
    this.#finalizers.register(token, range);
  }

  /** The references of a block from this one on hold a token of their own. */
  #renew(block: Block, number: number): object {
    const from = number & (blockSize - 1);
    block.range.to = from;
    block.range = { index: number >>> blockBits, from, to: blockSize };
    block.token = {};
    this.#finalizers.register(block.token, block.range);
    return block.token;
  }

  #block(number: number): Block | undefined {
    const index = number >>> blockBits;
    if (index === this.#lastReadIndex) return this.#lastRead;
    const block = this.#blocks.get(index);
    if (block !== undefined) {
      this.#lastReadIndex = index;
      this.#lastRead = block;
    }
    return block;
  }

  #goAway(block: Block, at: number): void {
    if ((block.states[at]! & stateMask) === objectState.away) return;
    block.states[at] = (block.states[at]! & ~stateMask) | objectState.away;
    block.outcomes[at] = undefined;
    this.#size -= 1;
  }

  #tell(block: Block, number: number): void {
    const at = number & (blockSize - 1);
    const waiters = block.waiters![at];
    if (waiters === undefined) return;
    block.waiters![at] = undefined;
    if (Array.isArray(waiters)) for (const waiter of waiters) waiter.settled(number);
    else waiters.settled(number);
  }

  #remove(number: number, block: Block): void {
    const at = number & (blockSize - 1);
    const state = block.states[at]!;
    if (state === 0 || (this.#pins.size > 0 && this.#pins.has(number))) return;
    this.#tellIfUnread(block, at);
    block.states[at] = 0;
    block.outcomes[at] = undefined;
    block.left -= 1;
    if ((state & stateMask) !== objectState.away) this.#size -= 1;
    if ((state & stateMask) === objectState.away || (state & shared) !== 0) this.#letGo(number);
    if (block.left > 0 || block === this.#newest) return;
    const index = number >>> blockBits;
    this.#blocks.delete(index);
    if (this.#lastReadIndex === index) {
      this.#lastReadIndex = -1;
      this.#lastRead = undefined;
    }
  }

  #collected({ index, from, to }: Range): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    for (let at = from; at < to; at++) if (block.states[at] !== 0) this.release(index * blockSize + at);
  }
}
