import { RayflightError } from "../../error.js";
import { type PackedValue, type StoredValue, sharedBytes } from "../../store/value.js";
import { isPrimitive } from "../../store/value-survey.js";
import { describeThrown, type Failure } from "../failure.js";
import type { Outcome } from "../protocol.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";
import { failureOf } from "./arguments.js";
import type { Lending } from "./lending.js";
import type { ObjectTable, ValueMemory } from "./object-table.js";
import type { Reading } from "./requests.js";
import type { ObjectMemory } from "./supervisor.js";

/** In place of bytes that the store has. */
const elsewhere = new Uint8Array(0);

/** Takes the bytes of values over for the store, and opens them for threads that want to read. */
export class StoredValues {
  readonly #objects: ObjectTable;
  readonly #store: ObjectMemory | undefined;
  readonly #lending: Lending;
  /** The last reading from disk. */
  #line: Promise<unknown> = Promise.resolve();

  constructor(objects: ObjectTable, store: ObjectMemory | undefined, lending: Lending) {
    this.#objects = objects;
    this.#store = store;
    this.#lending = lending;
  }

  /**
   * What to publish for an outcome that came from a thread: its memory is the store's from now on, where there is one. A
   * Promise when others must be spilled first; a failure when there is no room.
   */
  take(outcome: { readonly value: PackedValue }, maker: ClientId, label: string): Counted | Promise<Counted> {
    if (this.#store === undefined) return { outcome, memory: undefined };
    const { bytes } = outcome.value;
    const length = bytes.byteLength;
    const value = { ...outcome.value, bytes: elsewhere };
    try {
      const adopted = this.#store.adopt(bytes.buffer as unknown as SharedArrayBuffer, label);
      if (!(adopted instanceof Promise)) return { outcome: { value }, memory: { object: adopted, length, maker } };
      return adopted.then(
        (object) => ({ outcome: { value }, memory: { object, length, maker } }),
        (reason) => ({ outcome: { failure: refused(reason) }, memory: undefined }),
      );
    } catch (reason) {
      return { outcome: { failure: refused(reason) }, memory: undefined };
    }
  }

  /**
   * The values of objects, for a thread that may have views of them from then on; or why one has none. A Promise when
   * something was spilled: such readings come one after the other, so that no two hold half of what they need and wait for
   * the rest.
   */
  read(client: ClientId, ids: readonly ObjectId[]): Reading | Promise<Reading> {
    for (const id of ids) {
      const unread = this.#missing(id);
      if (unread !== undefined) return unread;
    }
    if (ids.every((id) => this.#objects.get(id)?.memory?.object.resident !== false)) {
      return { values: ids.map((id) => this.#valueOf(client, id) as StoredValue) };
    }
    const reading = this.#line.then(() => this.#readSpilled(client, ids));
    this.#line = reading;
    return reading;
  }

  async #readSpilled(client: ClientId, ids: readonly ObjectId[]): Promise<Reading> {
    const values: StoredValue[] = [];
    for (const id of ids) {
      const memory = this.#objects.get(id)?.memory;
      const missing = this.#missing(id);
      try {
        if (missing === undefined) values.push(await this.#valueOf(client, id));
      } catch (reason) {
        this.unread(client, values);
        // Made again meanwhile.
        if (memory !== this.#objects.get(id)?.memory) return this.#missing(id) ?? this.#readSpilled(client, ids);
        const isLost = RayflightError.from(reason).code === "OBJECT_LOST";
        return { failure: refused(reason), lost: isLost ? id : undefined };
      }
      if (missing === undefined) continue;
      this.unread(client, values);
      return missing;
    }
    return { values };
  }

  /** Why an object has no value any more, or not yet again: while others were waited for, it may have been freed or lost. */
  #missing(id: ObjectId): Reading | undefined {
    const outcome = this.#objects.get(id)?.outcome;
    if (outcome !== undefined && "value" in outcome) return undefined;
    const isMade = this.#objects.get(id) !== undefined && outcome === undefined;
    return { failure: failureOf(this.#objects, id), lost: isMade ? id : undefined };
  }

  #valueOf(client: ClientId, id: ObjectId): StoredValue | Promise<StoredValue> {
    const entry = this.#objects.get(id);
    const outcome = entry?.outcome;
    if (outcome === undefined || "failure" in outcome) return undefined;
    const { value } = outcome;
    const { memory } = entry!;
    if (memory === undefined) return value;
    const lend = (buffer: SharedArrayBuffer): PackedValue => {
      const loan = this.#lending.lend(client, id, memory.object);
      return { ...(value as PackedValue), bytes: new Uint8Array(buffer, 0, memory.length), loan };
    };
    const buffer = memory.object.open();
    return buffer instanceof SharedArrayBuffer ? lend(buffer) : buffer.then(lend);
  }

  /** Nobody will see what was read. */
  unread(client: ClientId, values: readonly StoredValue[]): void {
    const loans = values.flatMap((value) => (isPrimitive(value) || value.loan === undefined ? [] : [value.loan]));
    this.#lending.giveBack(client, loans);
  }

  /** Nobody needs these bytes any more, but those who still have views. */
  release({ object, maker }: ValueMemory): void {
    object.release();
    this.#lending.spare(maker, object.bytes);
  }
}

export interface Counted {
  readonly outcome: Outcome;
  readonly memory: ValueMemory | undefined;
}

/** Whether a value lies in shared memory of its own. */
export function isLarge(outcome: Outcome): outcome is { readonly value: PackedValue } {
  return "value" in outcome && sharedBytes(outcome.value) > 0;
}

function refused(reason: unknown): Failure {
  const error = RayflightError.from(reason);
  return { code: error.code, message: error.message, hint: "", cause: describeThrown(error) };
}
