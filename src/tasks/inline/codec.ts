import { crc32 } from "node:zlib";
import { isShared, type PackedValue, type StoredValue } from "../../store/value.js";
import { isPrimitive } from "../../store/value-survey.js";
import { ClientCodec } from "../client-codec.js";
import { runningTask } from "../context.js";
import type { Outcome } from "../protocol.js";
import type { TaskId } from "../scheduler/events.js";

/**
 * How values leave and arrive where all runs on one thread. There is time to look at what tasks did: one that wrote to a typed array
 * that lies in the store, where others read it, too, fails with FAILED_PRECONDITION.
 */
export class InlineCodec extends ClientCodec {
  readonly #stored = new WeakSet<SharedArrayBuffer>();
  /** What the tasks that have not ended read, with its checksum then. */
  readonly #reads = new Map<TaskId, { readonly name: string; readonly sums: Map<PackedValue, number> }>();

  override allocate(bytes: number): SharedArrayBuffer {
    const buffer = super.allocate(bytes);
    this.#stored.add(buffer);
    return buffer;
  }

  override isStored(buffer: SharedArrayBuffer): boolean {
    return this.#stored.has(buffer);
  }

  override unpack(stored: StoredValue): unknown {
    if (!isPrimitive(stored) && isShared(stored)) this.#note(stored);
    return super.unpack(stored);
  }

  override read(stored: StoredValue): unknown {
    return this.unpack(stored);
  }

  /** The outcome of a task that has just ended: a failure, too, when what it read has changed. */
  check(task: TaskId, outcome: Outcome): Outcome {
    const reads = this.#reads.get(task);
    if (reads === undefined) return outcome;
    this.#reads.delete(task);
    if ("failure" in outcome || [...reads.sums].every(([{ bytes }, sum]) => crc32(bytes) === sum)) return outcome;
    const message = `${reads.name} wrote to a typed array that lies in the object store.`;
    const hint =
      "Write to a copy, array.slice(): without debug others would read the change, or nobody, depending on where they run.";
    return { failure: { code: "FAILED_PRECONDITION", message, hint } };
  }

  #note(stored: PackedValue): void {
    const running = runningTask();
    if (running === undefined) return;
    const { task, name } = running;
    const reads = this.#reads.get(task) ?? { name, sums: new Map<PackedValue, number>() };
    this.#reads.set(task, reads);
    if (!reads.sums.has(stored)) reads.sums.set(stored, crc32(stored.bytes));
  }
}
