import type { StreamPart } from "../protocol.js";
import type { Returns } from "../returns.js";
import type { ClientId, ObjectId, TaskId, WorkerId } from "../scheduler/events.js";

/** A stream that a task makes. */
interface HostStream {
  readonly consumer: ClientId;
  readonly ahead: number;
  /** How many items were passed on. */
  passed: number;
  taken: number;
  worker: WorkerId | undefined;
}

/** Objects that no thread numbers are numbered by the node, as this client. */
const nodeClient: ClientId = 2 ** 20;

/**
 * What tasks make that make more than one object: several at once, or a stream, and how far each stream is; or some items of
 * one, once more.
 */
export class ReturnsTable {
  readonly #counts = new Map<TaskId, number>();
  /** Objects beside the first one of their task. */
  readonly #tasks = new Map<ObjectId, TaskId>();
  readonly #streams = new Map<TaskId, HostStream>();
  /** Items that are made once more, by index. */
  readonly #again = new Map<TaskId, Map<number, ObjectId>>();
  #lastNumber = 0;

  /** A task of a thread; returns the objects that it makes beside its own. */
  add(task: TaskId, client: ClientId, returns: Returns): ObjectId[] {
    if ("ahead" in returns) {
      this.#streams.set(task, { consumer: client, ahead: returns.ahead, passed: 0, taken: 0, worker: undefined });
      return [];
    }
    this.#counts.set(task, returns.count);
    const parts = partsOf(task, returns.count);
    for (const part of parts) this.#tasks.set(part, task);
    return parts;
  }

  /** Items of a stream are to be made once more, which become these objects: the number of the task for that. */
  again(items: Map<number, ObjectId>): TaskId {
    const task = this.#takeNumber();
    this.#again.set(task, items);
    return task;
  }

  #takeNumber(): number {
    this.#lastNumber += 1;
    return nodeClient * 2 ** 32 + this.#lastNumber;
  }

  /** The task that makes an object. */
  taskOf(object: ObjectId): TaskId {
    return this.#tasks.get(object) ?? object;
  }

  /** A worker begins with the task, not necessarily the first one: what it should make. */
  begin(task: TaskId, worker: WorkerId): { readonly count: number } | StreamPart | undefined {
    const stream = this.#streams.get(task);
    if (stream !== undefined) {
      stream.worker = worker;
      return { from: stream.passed, limit: limitOf(stream) };
    }
    const items = this.#again.get(task);
    if (items !== undefined) {
      const indices = [...items.keys()];
      const until = Math.max(...indices, -1) + 1;
      return { from: Math.min(...indices, until), limit: until, until };
    }
    const count = this.#counts.get(task);
    return count === undefined ? undefined : { count };
  }

  /**
   * An item has come: the number of its object, and for whom that is where it comes for the first time. Undefined when it has
   * come before, or nobody wants it.
   */
  pass(
    task: TaskId,
    index: number,
  ): { readonly object: ObjectId; readonly consumer: ClientId | undefined } | undefined {
    const items = this.#again.get(task);
    const object = items?.get(index);
    if (object !== undefined) {
      items!.delete(index);
      return { object, consumer: undefined };
    }
    const stream = this.#streams.get(task);
    if (stream === undefined || index !== stream.passed) return undefined;
    stream.passed += 1;
    return { object: this.#takeNumber(), consumer: stream.consumer };
  }

  /** The consumer took items: who makes them, and up to where it may. */
  took(task: TaskId, count: number): { readonly worker: WorkerId; readonly limit: number } | undefined {
    const stream = this.#streams.get(task);
    if (stream === undefined) return undefined;
    stream.taken = Math.max(stream.taken, count);
    return stream.worker === undefined ? undefined : { worker: stream.worker, limit: limitOf(stream) };
  }

  /** The task has ended; returns its objects beside its own, of items those that it did not make, and who took its items. */
  end(task: TaskId): { readonly parts: readonly ObjectId[]; readonly consumer: ClientId | undefined } {
    const items = this.#again.get(task);
    const parts = items === undefined ? partsOf(task, this.#counts.get(task) ?? 1) : [...items.values()];
    for (const part of parts) this.#tasks.delete(part);
    this.#counts.delete(task);
    this.#again.delete(task);
    const consumer = this.#streams.get(task)?.consumer;
    this.#streams.delete(task);
    return { parts, consumer };
  }

  /** The tasks that make streams for a thread. */
  *streamsFor(consumer: ClientId): Iterable<TaskId> {
    for (const [task, stream] of this.#streams) if (stream.consumer === consumer) yield task;
  }
}

function partsOf(task: TaskId, count: number): ObjectId[] {
  return Array.from({ length: Math.max(0, count - 1) }, (_, i) => task + 1 + i);
}

function limitOf({ ahead, taken }: HostStream): number {
  return ahead < 0 ? Number.POSITIVE_INFINITY : taken + ahead;
}
