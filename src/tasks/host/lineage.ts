import { storedBytes } from "../../store/value.js";
import { formatObjectId } from "../object-ref.js";
import type { Resubmission } from "../protocol.js";
import { isReference } from "../protocol.js";
import type { ObjectId } from "../scheduler/events.js";
import type { ObjectTable } from "./object-table.js";
import { objectLost } from "./reasons.js";
import { pinsOf } from "./records.js";

/** What a call takes beside its arguments, about. */
const callBytes = 256;

interface Kept {
  readonly call: Resubmission;
  readonly pins: readonly ObjectId[];
  readonly bytes: number;
  left: number;
}

/**
 * The calls that made objects which can be lost, kept as long as these objects are, so that they can be made again; and what
 * those calls name is kept with them: as a call of its own where there is one, else as a value. Within a limit of bytes,
 * beyond which the oldest calls are forgotten.
 */
export class Lineage {
  readonly #objects: ObjectTable;
  readonly #limit: number;
  readonly #kept = new Map<ObjectId, Kept>();
  /** Objects that are gone, whose calls are to be forgotten: not from within each other, as chains may be long. */
  readonly #gone: ObjectId[] = [];
  #forgetting = false;
  #bytes = 0;

  constructor(objects: ObjectTable, limitBytes: number) {
    this.#objects = objects;
    this.#limit = limitBytes;
  }

  get size(): number {
    return this.#kept.size;
  }

  has(id: ObjectId): boolean {
    return this.#kept.has(id);
  }

  /** Keeps the call that makes this object, which the table knows. */
  keep(call: Resubmission): void {
    const entry = this.#objects.get(call.task);
    if (entry === undefined || entry.isKept || call.maxRetries === 0) return;
    const pins = pinsOf(call.args);
    let bytes = callBytes;
    for (const argument of call.args) if (!isReference(argument)) bytes += storedBytes(argument);
    for (const pin of pins) {
      const named = this.#objects.get(pin);
      // It stays as it is, on this call's account.
      if (named?.isKept === false) bytes += named.memory?.object.bytes ?? 0;
    }
    entry.isKept = true;
    this.#objects.need(pins);
    this.#kept.set(call.task, { call, pins, bytes, left: call.maxRetries });
    this.#bytes += bytes;
    for (const id of this.#kept.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.forget(id);
    }
  }

  /**
   * Which calls must run so that lost objects are there again, also those of arguments whose values were dropped; and which
   * objects cannot be made. Those that can are being made from now on.
   */
  plan(lost: Iterable<ObjectId>): { calls: Resubmission[]; hopeless: ObjectId[] } {
    const calls: Resubmission[] = [];
    const hopeless: ObjectId[] = [];
    const wanted = [...lost];
    for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
      const call = this.#again(id);
      if (call === undefined) {
        hopeless.push(id);
        continue;
      }
      this.#objects.reopen(id);
      calls.push(call);
      for (const pin of pinsOf(call.args)) {
        if (this.#objects.get(pin)?.dropped && !wanted.includes(pin)) wanted.push(pin);
      }
    }
    return { calls, hopeless };
  }

  #again(id: ObjectId): Resubmission | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined || kept.left === 0) return undefined;
    if (kept.left > 0) kept.left -= 1;
    return { ...kept.call, maxRetries: kept.left };
  }

  /** The call is not to be run again. */
  forget(id: ObjectId): void {
    this.#gone.push(id);
    if (this.#forgetting) return;
    this.#forgetting = true;
    for (let next = this.#gone.pop(); next !== undefined; next = this.#gone.pop()) {
      const kept = this.#kept.get(next);
      if (kept === undefined) continue;
      this.#kept.delete(next);
      this.#bytes -= kept.bytes;
      const entry = this.#objects.get(next);
      if (entry !== undefined) {
        entry.isKept = false;
        if (entry.dropped) this.#objects.drop(next, objectLost(formatObjectId(next)));
      }
      this.#objects.unneed(kept.pins);
    }
    this.#forgetting = false;
  }
}
