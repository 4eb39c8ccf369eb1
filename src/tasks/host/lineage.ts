import { storedBytes } from "../../store/value.js";
import { formatObjectId } from "../object-ref.js";
import type { Resubmission } from "../protocol.js";
import { isReference } from "../protocol.js";
import type { ObjectId, TaskId } from "../scheduler/events.js";
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
  /** How many of its objects are there, or will be. */
  objects: number;
  /** Of a stream: which item each of them is. */
  readonly items: Map<ObjectId, number> | undefined;
}

/** A call that is to be run once more. */
export interface Rerun {
  readonly call: Resubmission;
  /** Of a stream: the objects that are wanted of it, by index. */
  readonly items: Map<number, ObjectId> | undefined;
}

/**
 * The calls that made objects which can be lost, kept as long as one of these objects is, so that they can be made again; and
 * what those calls name is kept with them: as a call of its own where there is one, else as a value. Within a limit of bytes,
 * beyond which the oldest calls are forgotten.
 */
export class Lineage {
  readonly #objects: ObjectTable;
  readonly #limit: number;
  /** By each object that its call makes. */
  readonly #kept = new Map<ObjectId, Kept>();
  readonly #streams = new Map<TaskId, Kept>();
  /** Objects that are gone, whose calls are to be forgotten: not from within each other, as chains may be long. */
  readonly #gone: ObjectId[] = [];
  #forgetting = false;
  #bytes = 0;

  constructor(objects: ObjectTable, limitBytes: number) {
    this.#objects = objects;
    this.#limit = limitBytes;
  }

  /** Of how many objects the calls are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** Keeps the call for those objects it makes which are being made, or have a value that can be lost. */
  keep(call: Resubmission): void {
    if (call.maxRetries === 0) return;
    const count = call.returns !== undefined && "count" in call.returns ? call.returns.count : 1;
    let kept: Kept | undefined;
    for (let id = call.task; id < call.task + count; id++) {
      if (!this.#mayKeep(id)) continue;
      kept ??= this.#add(call, undefined);
      this.#hold(id, kept);
    }
    this.#trim();
  }

  /** Keeps the call for an item of the stream that it makes. */
  keepItem(call: Resubmission, id: ObjectId, index: number): void {
    if (call.maxRetries === 0 || !this.#mayKeep(id)) return;
    let kept = this.#streams.get(call.task);
    if (kept === undefined) {
      kept = this.#add(call, new Map());
      this.#streams.set(call.task, kept);
    }
    kept.items!.set(id, index);
    this.#hold(id, kept);
    this.#trim();
  }

  #mayKeep(id: ObjectId): boolean {
    const entry = this.#objects.get(id);
    return entry !== undefined && !entry.isKept && (entry.memory !== undefined || this.#objects.awaits(id));
  }

  #add(call: Resubmission, items: Kept["items"]): Kept {
    const pins = pinsOf(call.args);
    let bytes = callBytes;
    for (const argument of call.args) if (!isReference(argument)) bytes += storedBytes(argument);
    for (const pin of pins) {
      const named = this.#objects.get(pin);
      // It stays as it is, on this call's account.
      if (named?.isKept === false) bytes += named.memory?.object.bytes ?? 0;
    }
    this.#objects.need(pins);
    this.#bytes += bytes;
    return { call, pins, bytes, left: call.maxRetries, objects: 0, items };
  }

  #hold(id: ObjectId, kept: Kept): void {
    this.#objects.get(id)!.isKept = true;
    kept.objects += 1;
    this.#kept.set(id, kept);
  }

  #trim(): void {
    for (const id of this.#kept.keys()) {
      if (this.#bytes <= this.#limit) return;
      this.forget(id);
    }
  }

  /**
   * Which calls must run so that lost objects are there again, also those of arguments whose values were dropped; and which
   * objects cannot be made. Those that can are being made from now on. A call that makes several objects may be under way
   * already, for others of them.
   */
  plan(lost: Iterable<ObjectId>, isUnderWay: (task: TaskId) => boolean): { reruns: Rerun[]; hopeless: ObjectId[] } {
    const reruns = new Map<Kept, Rerun>();
    const hopeless: ObjectId[] = [];
    const wanted = [...lost];
    for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
      const kept = this.#kept.get(id);
      if (kept === undefined) {
        hopeless.push(id);
        continue;
      }
      let rerun = reruns.get(kept);
      // A stream that is under way is past this item.
      if (rerun === undefined && (kept.items !== undefined || !isUnderWay(kept.call.task))) {
        if (kept.left === 0) {
          hopeless.push(id);
          continue;
        }
        if (kept.left > 0) kept.left -= 1;
        rerun = { call: { ...kept.call, maxRetries: kept.left }, items: kept.items && new Map() };
        reruns.set(kept, rerun);
        for (const pin of kept.pins) if (this.#objects.get(pin)?.dropped && !wanted.includes(pin)) wanted.push(pin);
      }
      rerun?.items?.set(kept.items!.get(id)!, id);
      this.#objects.reopen(id);
    }
    return { reruns: [...reruns.values()], hopeless };
  }

  /** The object is not to be made again; nor is any other of its call, once this was the last one. */
  forget(id: ObjectId): void {
    this.#gone.push(id);
    if (this.#forgetting) return;
    this.#forgetting = true;
    for (let next = this.#gone.pop(); next !== undefined; next = this.#gone.pop()) {
      const kept = this.#kept.get(next);
      if (kept === undefined) continue;
      this.#kept.delete(next);
      const entry = this.#objects.get(next);
      if (entry !== undefined) {
        entry.isKept = false;
        if (entry.dropped) this.#objects.drop(next, objectLost(formatObjectId(next)));
      }
      kept.items?.delete(next);
      kept.objects -= 1;
      if (kept.objects > 0) continue;
      if (kept.items !== undefined) this.#streams.delete(kept.call.task);
      this.#bytes -= kept.bytes;
      this.#objects.unneed(kept.pins);
    }
    this.#forgetting = false;
  }
}
