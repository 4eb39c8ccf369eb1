import type { GetOptions, GetSyncOptions } from "./backend.js";
import { type CodeRegistry, type Live, type LiveRecord, toRecord } from "./live.js";
import type { ObjectId } from "./scheduler/events.js";

declare const value: unique symbol;

/** What made a reference, and fetches and releases its object. */
export interface RefOwner {
  fetch(ref: ObjectRef<unknown>, options: GetOptions): Promise<unknown>;
  fetchSync(ref: ObjectRef<unknown>, options: GetSyncOptions): unknown;
  release(ref: ObjectRef<unknown>): void;
}

/**
 * Stands for a value that is or will be in the object store. Held: the object lives. Out of scope: it is released, at
 * once by `using`, at some time by the garbage collector. Belongs to the thread that made it; inside arguments and values
 * it travels.
 *
 * It is no thenable, so that promises may give references: `await get(outer)` of a task that returned one. What `.remote()`
 * and `put` give is therefore a `NewRef`, of which `await ref` does not compile.
 */
export class ObjectRef<T = unknown> implements Live {
  /** Only a type: what `get` gives. */
  declare readonly [value]: T;
  /** Names the object in this session, on every thread. */
  readonly id: ObjectId;
  readonly #owner: RefOwner;
  readonly #token: object | undefined;

  /** Called by backends only. `token` is held as long as the reference is, and makes it its object's first one. */
  constructor(id: ObjectId, owner: RefOwner, token?: object) {
    this.id = id;
    this.#owner = owner;
    this.#token = token;
  }

  /** The same as `get(ref)`. */
  async get(options: GetOptions = {}): Promise<T> {
    return (await this.#owner.fetch(this, options)) as T;
  }

  /** The same as `getSync(ref)`. */
  getSync(options: GetSyncOptions = {}): T {
    return this.#owner.fetchSync(this, options) as T;
  }

  /** Which backend it belongs to. */
  belongsTo(owner: RefOwner): boolean {
    return this.#owner === owner;
  }

  /** Whether it is the one that its object was made with. */
  get isFirst(): boolean {
    return this.#token !== undefined;
  }

  [toRecord](_codes: CodeRegistry): LiveRecord {
    return { kind: "ref", object: this.id };
  }

  /** Releases this thread's hold; the object lives on while others hold it. */
  [Symbol.dispose](): void {
    this.#owner.release(this);
  }

  /** As errors and tables name it: `ObjectRef(0-17)`. */
  toString(): string {
    return `ObjectRef(${formatObjectId(this.id)})`;
  }

  static [Symbol.hasInstance](candidate: unknown): boolean {
    return (
      typeof candidate === "object" &&
      candidate !== null &&
      toRecord in candidate &&
      typeof (candidate as { id?: unknown }).id === "number" &&
      "belongsTo" in candidate
    );
  }
}

/**
 * A reference as `.remote()` and `put` give it: the same object as any `ObjectRef`, and either may stand for the other. Only
 * the compiler knows a difference: `await ref`, in place of `await get(ref)`, is an error.
 *
 * TypeScript checks what an async function returns or yields as it checks `await`, so there, say that the reference is
 * meant: `const ref: ObjectRef<number> = add.remote(1, 2); return ref;`.
 */
export interface NewRef<T = unknown> extends ObjectRef<T> {
  /** Only a type, there is no such method: a reference is no promise. */
  readonly then?: (this: "await get(ref) gives the value", _: never) => never;
}

/** How ids are shown to people and in the state tables: who made it, and its number there. */
export function formatObjectId(id: ObjectId): string {
  return `${Math.floor(id / 2 ** 32)}-${id % 2 ** 32}`;
}
