import { RayflightError } from "../error.js";
import type { StoredValue } from "../store/value.js";
import type { GetSyncOptions } from "./backend.js";
import { itemsOf, type PendingRequests } from "./client-requests.js";
import { type RunningTask, runningTask } from "./context.js";
import { lateError } from "./deadline.js";
import { toError } from "./failure.js";
import { freed } from "./host/reasons.js";
import { formatObjectId, type ObjectRef } from "./object-ref.js";
import { Gathering } from "./owner/gathering.js";
import { type OwnedObjects, objectState } from "./owner/owned-objects.js";
import type { ObjectId, TaskId } from "./scheduler/events.js";

export interface SyncReadsOptions {
  readonly owned: OwnedObjects;
  readonly requests: PendingRequests;
  /** How long the thread stands still before it says so. */
  readonly patienceMs: number;
  /** The tasks on this thread that went on after their calls returned. */
  readonly awaiting: ReadonlySet<TaskId>;
  /** The objects that the call waits for that makes this one, as far as that is known on this thread. */
  needsOf(object: ObjectId): readonly ObjectId[];
  /** The number of an object that this thread owns and the node has not; -1 for any other. Throws for one that was released. */
  numberOf(ref: ObjectRef): number;
  unpack(stored: StoredValue): unknown;
  /** Runs the call that makes this object on top of what runs now, if that may be; returns whether it did. */
  runHere(number: number): boolean;
  /**
   * Stops the thread until `look` says that there is what it waits for, and reads what comes meanwhile; returns false when
   * the time `until`, of `performance.now()`, has come before.
   */
  stop(look: () => boolean, until: number): boolean;
}

/** What is not there yet: numbers of this thread's own objects, and what the node is to be asked for. */
interface Absent {
  readonly pending: number[];
  readonly away: ObjectId[];
}

/**
 * `getSync` of one thread. Children that nobody has taken run in place, on top of the task that waits for them. For the
 * rest the thread stops; what it has that others could run goes back, its CPU goes to another thread, and messages and
 * rings are read while it waits, as nothing else on this thread would.
 */
export class SyncReads {
  readonly #options: SyncReadsOptions;

  constructor(options: SyncReadsOptions) {
    this.#options = options;
  }

  /** The values, in order; throws as soon as one of them is a failure, and as `Backend` says. */
  get(refs: readonly ObjectRef[], { timeoutMs }: GetSyncOptions): unknown[] {
    const task = runningTask();
    if (task === undefined) throw onDriver();
    task.mayStop();
    this.#checkReachable(refs);
    const { numberOf, runHere } = this.#options;
    const until = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    if (timeoutMs === undefined) {
      // The newest first: what is kept here is a stack. With a time limit nothing begins that could not be left.
      for (let i = refs.length - 1; i >= 0; i--) {
        const number = numberOf(refs[i]!);
        if (number >= 0) while (this.#isPending(number) && runHere(number));
      }
    }
    const known = new Map<ObjectId, StoredValue>();
    for (;;) {
      const absent = this.#absent(refs, known);
      if (absent === undefined) break;
      this.#await(task, absent, known, until);
    }
    return refs.map((ref) => {
      if (known.has(ref.id)) return this.#options.unpack(known.get(ref.id));
      return this.#options.unpack(this.#options.owned.valueOf(numberOf(ref)));
    });
  }

  /** Throws where an object is the result of a call that cannot go on before this thread does. */
  #checkReachable(refs: readonly ObjectRef[]): void {
    const { awaiting, needsOf } = this.#options;
    if (awaiting.size === 0) return;
    const seen = new Set<ObjectId>();
    const ahead = refs.map(({ id }) => id);
    for (let object = ahead.pop(); object !== undefined; object = ahead.pop()) {
      if (seen.has(object)) continue;
      seen.add(object);
      if (awaiting.has(object)) throw unreachable(object);
      ahead.push(...needsOf(object));
    }
  }

  #isPending(number: number): boolean {
    return this.#options.owned.stateOf(number) === objectState.pending;
  }

  /** Undefined when all is there. Throws the failure that it finds first. */
  #absent(refs: readonly ObjectRef[], known: ReadonlyMap<ObjectId, StoredValue>): Absent | undefined {
    const { owned, numberOf } = this.#options;
    const absent: Absent = { pending: [], away: [] };
    for (const ref of refs) {
      if (known.has(ref.id)) continue;
      const number = numberOf(ref);
      const state = number < 0 ? objectState.away : owned.stateOf(number);
      if (state === objectState.failure) throw toError(owned.failureOf(number));
      if (state === objectState.none) throw toError(freed(formatObjectId(ref.id)));
      if (state === objectState.pending) absent.pending.push(number);
      else if (state === objectState.away) absent.away.push(ref.id);
    }
    return absent.pending.length + absent.away.length === 0 ? undefined : absent;
  }

  /** Waits until all of it is there, or something failed. What the node has is noted in `known`. */
  #await(task: RunningTask, { pending, away }: Absent, known: Map<ObjectId, StoredValue>, until: number): void {
    const { owned, requests, patienceMs, stop } = this.#options;
    const gathering = new Gathering(owned, 0, true);
    for (const number of pending) gathering.add(number);
    const request = away.length === 0 ? undefined : requests.ask(away);
    const done = () => {
      if (task.cancelled !== undefined) return true;
      if (gathering.hasFailed) return true;
      if (request?.answer !== undefined && !("items" in request.answer)) return true;
      return gathering.isFinished && (request === undefined || request.answer !== undefined);
    };
    let stopped = false;
    try {
      let inTime = stop(done, Math.min(until, performance.now() + patienceMs));
      if (!inTime && performance.now() < until) {
        stopped = true;
        task.stopped();
        inTime = stop(done, until);
      }
      if (task.cancelled !== undefined) throw task.cancelled;
      if (!inTime) throw lateError();
    } finally {
      request?.forget();
      gathering.leave(pending);
      if (stopped) task.wentOn();
    }
    if (request?.answer === undefined) return;
    const items = itemsOf(request.answer) as readonly StoredValue[];
    away.forEach((id, i) => {
      known.set(id, items[i]);
    });
  }
}

function onDriver(): RayflightError {
  return new RayflightError("FAILED_PRECONDITION", "getSync() was called outside of tasks and actors.", {
    hint: "Use `await get(ref)`: the driver's thread must stay free for its messages, timers and servers.",
  });
}

function unreachable(object: ObjectId): RayflightError {
  const what = `getSync() would wait for ObjectRef(${formatObjectId(object)})`;
  return new RayflightError("FAILED_PRECONDITION", `${what}, whose task awaits on this very thread.`, {
    hint: "Use `await get(ref)`, which lets it go on.",
  });
}
