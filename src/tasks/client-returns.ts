import { ClientStreams, type ClientStreamsOptions } from "./client-streams.js";
import type { ObjectRef } from "./object-ref.js";
import type { ObjectRefGenerator } from "./object-ref-generator.js";
import type { Returns } from "./returns.js";
import type { TaskId } from "./scheduler/events.js";

/** How many numbers a call takes: one at least, which is its own. */
export function objectsOf(returns: Returns): number {
  return "count" in returns ? Math.max(1, returns.count) : 1;
}

/** What a thread's calls make that do not make one object each. The node has these objects from the beginning. */
export class ClientReturns {
  readonly streams: ClientStreams;
  readonly #options: ClientStreamsOptions;
  /** Calls that were not handed to the node yet, and how many objects each makes. */
  readonly #held = new Map<number, number>();
  /** What stands for calls of actors. */
  readonly #ofActors = new WeakSet<object>();

  constructor(options: ClientStreamsOptions) {
    this.#options = options;
    this.streams = new ClientStreams(options);
  }

  /** What the caller of a task gets. */
  give(task: TaskId, returns: Returns): ObjectRef[] | ObjectRefGenerator {
    if ("ahead" in returns) return this.streams.open(task, returns.ahead);
    const refs = Array.from({ length: objectsOf(returns) }, (_, i) => this.#options.borrow(task + i));
    if (returns.count > 0) return refs;
    refs[0]![Symbol.dispose]();
    return [];
  }

  /** As `give`, for a call of an actor. */
  giveOfActor(task: TaskId, returns: Returns): ObjectRef[] | ObjectRefGenerator {
    const given = this.give(task, returns);
    for (const item of Array.isArray(given) ? given : [given]) this.noteActor(item);
    return given;
  }

  noteActor(item: object): void {
    this.#ofActors.add(item);
  }

  isOfActor(item: object): boolean {
    return this.#ofActors.has(item);
  }

  /** The call with this number is not with the node yet. */
  hold(number: number, objects: number): void {
    this.#held.set(number, objects);
  }

  /** Whether there is any call that is not with the node yet. */
  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** The call that makes the object with this number, if it is not with the node yet. */
  heldCallOf(number: number): number | undefined {
    for (const [call, objects] of this.#held) if (number >= call && number < call + objects) return call;
    return undefined;
  }

  /** The call leaves this thread's care: the numbers of its objects beside the first; undefined for a call that was not held. */
  letGo(number: number): number[] | undefined {
    const objects = this.#held.get(number);
    if (objects === undefined) return undefined;
    this.#held.delete(number);
    return Array.from({ length: objects - 1 }, (_, i) => number + 1 + i);
  }
}
