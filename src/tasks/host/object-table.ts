import type { StoredObject } from "../../store/index.js";
import type { StoredValue } from "../../store/value.js";
import type { Failure } from "../failure.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";

/** What is known of an object. */
export interface ObjectEntry {
  /** Absent while the object is being made, and when its value was dropped though it may be needed again. */
  outcome: { readonly value: StoredValue } | { readonly failure: Failure } | undefined;
  /** Where its value's bytes are, if in shared memory: `outcome.value.bytes` is empty then. */
  memory: ValueMemory | undefined;
  /** Threads that have references to it: mostly one, seldom more. */
  holder: ClientId | undefined;
  others: Set<ClientId> | undefined;
  /** Tasks and objects that need it. */
  pins: number;
  /** Kept calls that name it: they may be run again. */
  needed: number;
  /** Whether the call that makes it is kept: then its value may be dropped while it is only `needed`, and is `dropped`. */
  isKept: boolean;
  dropped: boolean;
  /** Objects that its value refers to. */
  contains: readonly ObjectId[];
  /** Called when its value is dropped. */
  dropping: (() => void) | undefined;
}

/** The shared memory of a value. */
export interface ValueMemory {
  readonly object: StoredObject;
  /** How many of its bytes are the value's. */
  readonly length: number;
  /** Who made it. */
  readonly maker: ClientId;
}

/**
 * Which objects there are and who needs them. An object goes when no thread has a reference to it, no task or object
 * needs it, no call that may be run again names it, and it is not being made.
 */
export class ObjectTable {
  readonly #entries = new Map<ObjectId, ObjectEntry>();
  readonly #released: (memory: ValueMemory) => void;
  readonly #gone: (id: ObjectId) => void;

  /** `released` hears of memory that is needed no more, `gone` of objects that are gone whose call was kept. */
  constructor(released: (memory: ValueMemory) => void = () => {}, gone: (id: ObjectId) => void = () => {}) {
    this.#released = released;
    this.#gone = gone;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many have a value or a failure. */
  get made(): number {
    let count = 0;
    for (const { outcome } of this.#entries.values()) if (outcome !== undefined) count += 1;
    return count;
  }

  get(id: ObjectId): ObjectEntry | undefined {
    return this.#entries.get(id);
  }

  /** Notes an object that is being made; `holder` has the first reference to it. May be called twice. */
  expect(id: ObjectId, holder: ClientId): void {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, {
      outcome: undefined,
      memory: undefined,
      holder,
      others: undefined,
      pins: 0,
      needed: 0,
      isKept: false,
      dropped: false,
      contains: [],
      dropping: undefined,
    });
  }

  /** Whether the object is being made. */
  awaits(id: ObjectId): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && entry.outcome === undefined && !entry.dropped;
  }

  /** The object is made, or it is clear that it will not be. Only the first outcome counts; returns whether this was it. */
  settle(
    id: ObjectId,
    outcome: NonNullable<ObjectEntry["outcome"]>,
    contains: readonly ObjectId[],
    memory: ValueMemory | undefined,
    dropping?: () => void,
  ): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || !this.awaits(id)) {
      if (memory !== undefined) this.#released(memory);
      dropping?.();
      return false;
    }
    entry.outcome = outcome;
    entry.contains = contains;
    entry.memory = memory;
    entry.dropping = dropping;
    this.pin(contains);
    this.#sweep(id, entry);
    return true;
  }

  /** Replaces the value by a failure, whoever needs it. Returns whether the object was made already. */
  drop(id: ObjectId, failure: Failure): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined) return false;
    const made = entry.outcome !== undefined;
    entry.outcome = { failure };
    entry.dropped = false;
    this.#empty(entry);
    this.#sweep(id, entry);
    return made;
  }

  /** The object is being made again: it has no value until then. */
  reopen(id: ObjectId): void {
    const entry = this.#entries.get(id)!;
    entry.outcome = undefined;
    entry.dropped = false;
    this.#empty(entry);
  }

  hold(client: ClientId, ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined || entry.holder === client) continue;
      if (entry.holder === undefined) entry.holder = client;
      else {
        entry.others ??= new Set();
        entry.others.add(client);
      }
    }
  }

  release(client: ClientId, ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      if (entry.holder === client) {
        const [next] = entry.others ?? [];
        entry.holder = next;
        if (next !== undefined) entry.others!.delete(next);
      } else entry.others?.delete(client);
      this.#sweep(id, entry);
    }
  }

  /** A thread is gone, and all its references with it. */
  releaseAll(client: ClientId): void {
    this.release(client, [...this.#entries.keys()]);
  }

  /** Objects that are being made whose numbers a thread gave. */
  *pendingOf(client: ClientId): Iterable<ObjectId> {
    for (const [id, { outcome, dropped }] of this.#entries) {
      if (outcome === undefined && !dropped && Math.floor(id / 2 ** 32) === client) yield id;
    }
  }

  /** Objects whose value lies in shared memory or on disk. */
  *stored(): Iterable<ObjectId> {
    for (const [id, { memory }] of this.#entries) if (memory !== undefined) yield id;
  }

  pin(ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.pins += 1;
    }
  }

  unpin(ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      entry.pins -= 1;
      this.#sweep(id, entry);
    }
  }

  /** A kept call names these objects. */
  need(ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.needed += 1;
    }
  }

  /** The call is kept no more. */
  unneed(ids: Iterable<ObjectId>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id);
      if (entry === undefined) continue;
      entry.needed -= 1;
      this.#sweep(id, entry);
    }
  }

  /** Forgets everything. */
  clear(): void {
    for (const { memory } of this.#entries.values()) if (memory !== undefined) this.#released(memory);
    this.#entries.clear();
  }

  #sweep(id: ObjectId, entry: ObjectEntry): void {
    if (entry.holder !== undefined || entry.pins > 0 || (entry.outcome === undefined && !entry.dropped)) return;
    if (entry.needed > 0) {
      if (!entry.isKept || entry.dropped) return;
      entry.outcome = undefined;
      entry.dropped = true;
      this.#empty(entry);
      return;
    }
    if (!this.#entries.delete(id)) return;
    this.#empty(entry);
    if (entry.isKept) this.#gone(id);
  }

  #empty(entry: ObjectEntry): void {
    const { contains, memory, dropping } = entry;
    entry.contains = [];
    entry.dropping = undefined;
    entry.memory = undefined;
    if (memory !== undefined) this.#released(memory);
    dropping?.();
    this.unpin(contains);
  }
}
