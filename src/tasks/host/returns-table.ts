import type { StreamPart } from "../protocol.js";
import type { Returns } from "../returns.js";
import type { ClientId, ObjectId, TaskId, WorkerId } from "../scheduler/events.js";

/** A stream that a task makes. */
interface HostStream {
  readonly kind: "stream";
  readonly consumer: ClientId;
  readonly ahead: number;
  /** How many items were passed on. */
  passed: number;
  taken: number;
  worker: WorkerId | undefined;
}

type Making =
  | { readonly kind: "several"; readonly count: number }
  | HostStream
  /** Items of a stream that are made once more, by index. */
  | { readonly kind: "again"; readonly items: Map<number, ObjectId> };

const oneObject = { parts: [], consumer: undefined } as const;

/** Objects that no thread numbers are numbered by the node, as this client. */
const nodeClient: ClientId = 2 ** 20;

/**
 * What tasks make that make more than one object: several at once, or a stream, and how far each stream is; or some items of
 * one, once more.
 */
export class ReturnsTable {
  readonly #making = new Map<TaskId, Making>();
  /** Objects beside the first one of their task. */
  readonly #tasks = new Map<ObjectId, TaskId>();
  #lastNumber = 0;

  /** A task of a thread; returns the objects that it makes beside its own. */
  add(task: TaskId, client: ClientId, returns: Returns): ObjectId[] {
    if ("ahead" in returns) {
      const { ahead } = returns;
      this.#making.set(task, { kind: "stream", consumer: client, ahead, passed: 0, taken: 0, worker: undefined });
      return [];
    }
    this.#making.set(task, { kind: "several", count: returns.count });
    const parts = partsOf(task, returns.count);
    for (const part of parts) this.#tasks.set(part, task);
    return parts;
  }

  /** Items of a stream are to be made once more, which become these objects: the number of the task for that. */
  again(items: Map<number, ObjectId>): TaskId {
    const task = this.#takeNumber();
    this.#making.set(task, { kind: "again", items });
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
    const making = this.#making.get(task);
    if (making?.kind === "stream") {
      making.worker = worker;
      return { from: making.passed, limit: limitOf(making) };
    }
    if (making?.kind !== "again") return making && { count: making.count };
    const indices = [...making.items.keys()];
    const until = Math.max(...indices, -1) + 1;
    return { from: Math.min(...indices, until), limit: until, until };
  }

  /**
   * An item has come: the number of its object, and for whom that is where it comes for the first time. Undefined when it has
   * come before, or nobody wants it.
   */
  pass(
    task: TaskId,
    index: number,
  ): { readonly object: ObjectId; readonly consumer: ClientId | undefined } | undefined {
    const making = this.#making.get(task);
    if (making?.kind === "again") {
      const object = making.items.get(index);
      making.items.delete(index);
      return object === undefined ? undefined : { object, consumer: undefined };
    }
    if (making?.kind !== "stream" || index !== making.passed) return undefined;
    making.passed += 1;
    return { object: this.#takeNumber(), consumer: making.consumer };
  }

  /** The consumer took items: who makes them, and up to where it may. */
  took(task: TaskId, count: number): { readonly worker: WorkerId; readonly limit: number } | undefined {
    const stream = this.#making.get(task);
    if (stream?.kind !== "stream") return undefined;
    stream.taken = Math.max(stream.taken, count);
    return stream.worker === undefined ? undefined : { worker: stream.worker, limit: limitOf(stream) };
  }

  /** The task has ended; returns its objects beside its own, of items those that it did not make, and who took its items. */
  end(task: TaskId): { readonly parts: readonly ObjectId[]; readonly consumer: ClientId | undefined } {
    const making = this.#making.get(task);
    if (making === undefined) return oneObject;
    this.#making.delete(task);
    if (making.kind === "again") return { parts: [...making.items.values()], consumer: undefined };
    if (making.kind === "stream") return { parts: [], consumer: making.consumer };
    const parts = partsOf(task, making.count);
    for (const part of parts) this.#tasks.delete(part);
    return { parts, consumer: undefined };
  }

  /** The tasks that make streams for a thread. */
  *streamsFor(consumer: ClientId): Iterable<TaskId> {
    for (const [task, making] of this.#making) {
      if (making.kind === "stream" && making.consumer === consumer) yield task;
    }
  }
}

function partsOf(task: TaskId, count: number): ObjectId[] {
  return Array.from({ length: Math.max(0, count - 1) }, (_, i) => task + 1 + i);
}

function limitOf({ ahead, taken }: HostStream): number {
  return ahead < 0 ? Number.POSITIVE_INFINITY : taken + ahead;
}
