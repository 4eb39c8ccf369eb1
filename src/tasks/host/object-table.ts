import type { StoredValue } from "../../store/value.js";
import type { Failure } from "../failure.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";

/** What is known of an object. */
export interface ObjectEntry {
  /** Absent while the object is being made. */
  outcome: { readonly value: StoredValue } | { readonly failure: Failure } | undefined;
  /** Threads that have references to it: mostly one, seldom more. */
  holder: ClientId | undefined;
  others: Set<ClientId> | undefined;
  /** Tasks and objects that need it. */
  pins: number;
  /** Objects that its value refers to. */
  contains: readonly ObjectId[];
  /** Gives back the memory that was counted for it. */
  release: (() => void) | undefined;
}

/**
 * Which objects there are and who needs them. An object goes when no thread has a reference to it, no task or object
 * needs it, and it is not being made.
 */
export class ObjectTable {
  readonly #entries = new Map<ObjectId, ObjectEntry>();

  get size(): number {
    return this.#entries.size;
  }

  get(id: ObjectId): ObjectEntry | undefined {
    return this.#entries.get(id);
  }

  /** Notes an object that is being made; `holder` has the first reference to it. May be called twice. */
  expect(id: ObjectId, holder: ClientId): void {
    if (this.#entries.has(id)) return;
    this.#entries.set(id, {
      outcome: undefined,
      holder,
      others: undefined,
      pins: 0,
      contains: [],
      release: undefined,
    });
  }

  /** The object is made, or it is clear that it will not be. Only the first outcome counts; returns whether this was it. */
  settle(
    id: ObjectId,
    outcome: NonNullable<ObjectEntry["outcome"]>,
    contains: readonly ObjectId[],
    release: (() => void) | undefined,
  ): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || entry.outcome !== undefined) {
      release?.();
      return false;
    }
    entry.outcome = outcome;
    entry.contains = contains;
    entry.release = release;
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
    this.#empty(entry);
    this.#sweep(id, entry);
    return made;
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
    for (const [id, { outcome }] of this.#entries) {
      if (outcome === undefined && Math.floor(id / 2 ** 32) === client) yield id;
    }
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

  /** Forgets everything. */
  clear(): void {
    for (const entry of this.#entries.values()) entry.release?.();
    this.#entries.clear();
  }

  #sweep(id: ObjectId, entry: ObjectEntry): void {
    if (entry.outcome === undefined || entry.holder !== undefined || entry.pins > 0) return;
    if (!this.#entries.delete(id)) return;
    this.#empty(entry);
  }

  #empty(entry: ObjectEntry): void {
    const { contains, release } = entry;
    entry.contains = [];
    entry.release = undefined;
    release?.();
    this.unpin(contains);
  }
}
