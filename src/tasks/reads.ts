import { setMaxListeners } from "node:events";
import type { RayflightError } from "../error.js";
import type { StoredValue } from "../store/value.js";
import type { GetOptions, WaitOptions } from "./backend.js";
import type { LocalRefs } from "./client-refs.js";
import type { PendingRequests } from "./client-requests.js";
import { whileBlocked } from "./context.js";
import { type KeepAlive, lateError, remaining, within } from "./deadline.js";
import { toError } from "./failure.js";
import { freed } from "./host/reasons.js";
import { formatObjectId, type ObjectRef } from "./object-ref.js";
import { Gathering } from "./owner/gathering.js";
import { type OwnedObjects, objectState } from "./owner/owned-objects.js";
import { type ResolvedArgument, StoredAt } from "./rings/words.js";
import type { ObjectId } from "./scheduler/events.js";
import type { SharedMemory } from "./shared-memory.js";

export interface ReadsOptions {
  readonly owned: OwnedObjects;
  readonly requests: PendingRequests;
  readonly keepAlive: KeepAlive;
  /** What ids of this thread begin with. */
  readonly base: number;
  /** The number of an object that this thread owns and the node has not; -1 for any other. Throws for one that was released. */
  numberOf(ref: ObjectRef): number;
  unpack(stored: StoredValue): unknown;
  readonly refs: LocalRefs;
  /** Where values are that came from the node. */
  readonly memory: SharedMemory | undefined;
  /** Looks for results until `done` or for a moment. */
  look(done: () => boolean): void;
}

/** `get` and `wait` of one thread, over objects that it owns and objects that the node has. */
export class Reads {
  readonly #options: ReadsOptions;
  /** How many are waiting. */
  waiting = 0;

  constructor(options: ReadsOptions) {
    this.#options = options;
  }

  /** The values, in order; rejects as soon as one of them is a failure. */
  async get(refs: readonly ObjectRef[], options: GetOptions): Promise<unknown[]> {
    const { owned } = this.#options;
    const values = new Array<unknown>(refs.length);
    const gathering = new Gathering(owned, 0, true);
    let pending = 0;
    let there: ObjectId[] | undefined;
    for (let i = 0; i < refs.length; i++) {
      const ref = refs[i]!;
      const number = this.#options.numberOf(ref);
      const state = number < 0 ? objectState.away : owned.stateOf(number);
      if (state === objectState.value) {
        values[i] = this.#options.unpack(owned.valueOf(number));
        continue;
      }
      if (state === objectState.failure) throw this.#failed(refs, number);
      if (number < 0) {
        const found = this.#options.memory?.find(ref.id);
        if (found !== undefined) {
          values[i] = this.#options.unpack(found);
          continue;
        }
      }
      values[i] = absent;
      if (state === objectState.pending) {
        pending += 1;
        gathering.add(number);
      } else if (there === undefined) there = [ref.id];
      else there.push(ref.id);
    }
    if (pending > 0) this.#options.look(() => gathering.isFinished);
    if (pending > 0 || there !== undefined) {
      await whileBlocked(this.#fill(refs, values, pending > 0 ? gathering : undefined, there, options));
    }
    // References stay in use until here, so that none is collected and released under way.
    keep(refs);
    return values;
  }

  /** The arguments of a call, as they are stored, with those that the node has. */
  async resolve(args: readonly ResolvedArgument[]): Promise<readonly StoredValue[]> {
    const ids = args.flatMap((argument) => (argument instanceof StoredAt ? [argument.object] : []));
    const values = await this.#options.requests.getHeld(ids);
    this.#came(ids, values);
    let next = 0;
    return args.map((argument) => (argument instanceof StoredAt ? values[next++] : argument));
  }

  /** Which of them have a value or a failure, once there are `numReturns` of those or the time is up. */
  async wait(refs: readonly ObjectRef[], options: { numReturns: number } & WaitOptions): Promise<boolean[]> {
    const ready = await whileBlocked(this.#wait(refs, options));
    keep(refs);
    return ready;
  }

  /** Waits for what is absent: for what is pending here and what the node has, then for what has gone there meanwhile. */
  async #fill(
    refs: readonly ObjectRef[],
    values: unknown[],
    gathering: Gathering | undefined,
    there: readonly ObjectId[] | undefined,
    options: GetOptions,
  ): Promise<void> {
    const began = options.timeoutMs === undefined ? 0 : performance.now();
    this.waiting += 1;
    try {
      let inTime = true;
      let known: readonly StoredValue[] = [];
      // Both at once, so that a failure on either side is told at once; one alone, so that its error's stack leads here.
      if (gathering === undefined) known = await this.#options.requests.get(there!, options);
      else {
        const here = within(gathering.finished(), options);
        if (there === undefined) inTime = await this.#whileAlive(here);
        else [inTime, known] = await this.#whileAlive(Promise.all([here, this.#options.requests.get(there, options)]));
      }
      if (there !== undefined) this.#came(there, known);
      const gone = this.#fillIn(refs, values, new Map(there?.map((id, i) => [id, known[i] as StoredValue])), inTime);
      if (gone.length === 0) return;
      const later = await this.#options.requests.get(gone, remaining(options, began));
      this.#came(gone, later);
      this.#fillIn(refs, values, new Map(gone.map((id, i) => [id, later[i] as StoredValue])), true);
    } finally {
      this.waiting -= 1;
      if (gathering?.isOpen) gathering.leave(this.#numbersOf(refs));
    }
  }

  /** Those of this thread's own objects. */
  #numbersOf(refs: readonly ObjectRef[]): number[] {
    const { base } = this.#options;
    return refs.flatMap(({ id }) => (id > base && id < base + 2 ** 32 ? [id - base] : []));
  }

  /** Puts values in the place of what is absent; returns what only the node has. */
  #fillIn(
    refs: readonly ObjectRef[],
    values: unknown[],
    known: ReadonlyMap<ObjectId, StoredValue>,
    inTime: boolean,
  ): ObjectId[] {
    const owned = this.#options.owned;
    const gone: ObjectId[] = [];
    for (let i = 0; i < refs.length; i++) {
      if (values[i] !== absent) continue;
      const { id } = refs[i]!;
      const number = id - this.#options.base;
      const state = known.has(id) ? objectState.none : owned.stateOf(number);
      if (state === objectState.value) values[i] = this.#options.unpack(owned.valueOf(number));
      else if (known.has(id)) values[i] = this.#options.unpack(known.get(id));
      else if (state === objectState.failure) {
        throw this.#failed(refs, number);
      } else if (state === objectState.away) gone.push(id);
      else if (state === objectState.pending && inTime) {
      } else if (state === objectState.pending) throw lateError();
      else throw toError(freed(formatObjectId(id)));
    }
    return gone;
  }

  /** What `get` throws for one of them. It has asked for all. */
  #failed(refs: readonly ObjectRef[], number: number): RayflightError {
    const { owned, base } = this.#options;
    for (const ref of refs) owned.ask(ref.id - base);
    return toError(owned.failureOf(number));
  }

  async #wait(refs: readonly ObjectRef[], options: { numReturns: number } & WaitOptions): Promise<boolean[]> {
    const { numReturns } = options;
    this.waiting += 1;
    const aborter = new AbortController();
    setMaxListeners(0, aborter.signal);
    try {
      const numbers = refs.map((ref) => this.#options.numberOf(ref));
      const ready = new Set<ObjectId>();
      const here = () => {
        refs.forEach(({ id }, i) => {
          const state = numbers[i]! < 0 ? objectState.none : this.#options.owned.stateOf(numbers[i]!);
          if (state === objectState.value || state === objectState.failure) ready.add(id);
        });
        return ready.size;
      };
      const there = refs.flatMap(({ id }, i) => (numbers[i]! < 0 ? [id] : []));
      if (there.length === refs.length) {
        const found = await this.#options.requests.wait(there, options);
        return refs.map(({ id }) => found.includes(id));
      }
      if (there.length > 0) {
        const known = await this.#options.requests.wait(there, { numReturns: there.length, timeoutMs: 0 });
        for (const id of known) ready.add(id);
      }
      if (here() < numReturns && options.timeoutMs !== 0) {
        const gathering = new Gathering(this.#options.owned, numReturns - ready.size, false);
        const ask = (id: ObjectId) => {
          this.#options.requests.wait([id], { numReturns: 1, signal: aborter.signal }).then(
            () => {
              ready.add(id);
              gathering.settled(-1);
            },
            () => {},
          );
        };
        const waiter = {
          settled: (number: number) => {
            if (this.#options.owned.stateOf(number) === objectState.away) ask(this.#options.base + number);
            else gathering.settled(number);
          },
        };
        refs.forEach(({ id }, i) => {
          if (ready.has(id)) return;
          if (numbers[i]! < 0) ask(id);
          else this.#options.owned.wait(numbers[i]!, waiter);
        });
        try {
          await this.#whileAlive(within(gathering.finished(), options));
        } finally {
          for (const number of numbers) if (number >= 0) this.#options.owned.unwait(number, waiter);
        }
        here();
      }
      return refs.map(({ id }) => ready.has(id));
    } finally {
      aborter.abort();
      this.waiting -= 1;
    }
  }

  /** Values that the node had have come. */
  #came(ids: readonly ObjectId[], values: readonly StoredValue[]): void {
    const { refs, memory } = this.#options;
    ids.forEach((id, i) => {
      refs.made(id);
      memory?.keep(id, values[i]);
    });
  }

  async #whileAlive<T>(promise: Promise<T>): Promise<T> {
    this.#options.keepAlive.begin();
    try {
      return await promise;
    } finally {
      this.#options.keepAlive.end();
    }
  }
}

/** Stands in `get`'s list for a value that is not there yet. */
const absent = Symbol("absent");

/** Does nothing; but until it is called, the caller has the references. */
function keep(_refs: readonly ObjectRef[]): void {}
