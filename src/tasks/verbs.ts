import { RayflightError } from "../error.js";
import { type ActorControl, endActor } from "./actor-handle.js";
import type { CancelOptions, GetOptions, GetSyncOptions, WaitOptions } from "./backend.js";
import { currentContext, runningTask } from "./context.js";
import { type NewRef, ObjectRef } from "./object-ref.js";
import { ObjectRefGenerator } from "./object-ref-generator.js";

/** The values that references stand for. */
export type Values<T extends readonly ObjectRef<unknown>[]> = {
  -readonly [K in keyof T]: T[K] extends ObjectRef<infer V> ? V : never;
};

/**
 * The value of a reference, or the values of many in order: one call for many is the fast path. Do not write to typed arrays
 * and Arrow tables that it gives: those of more than 64 KiB are views of shared memory, and a value that is nothing but a table or
 * a typed array of a kilobyte or more may be the same one each time. Rejects with the failure of the task that should have made the
 * value, TASK_CANCELLED where that was cancelled, and with GET_TIMEOUT, OBJECT_FREED or CANCELLED; with INVALID_ARGUMENT for what
 * is no reference, and FAILED_PRECONDITION for one of another session.
 */
export function get<T>(ref: ObjectRef<T>, options?: GetOptions): Promise<T>;
export function get<const T extends readonly ObjectRef<unknown>[]>(refs: T, options?: GetOptions): Promise<Values<T>>;
export async function get(refs: ObjectRef | readonly ObjectRef[], options: GetOptions = {}): Promise<unknown> {
  const many = Array.isArray(refs);
  const list: readonly ObjectRef[] = many ? refs : [refs];
  for (const ref of list) assertRef(ref, "get");
  const values = await currentContext().backend.get(list, options);
  return many ? values : values[0];
}

/**
 * As `get`, but the thread stops until the values are there: for tasks and actors whose code cannot await. Its CPU goes to
 * others meanwhile, and a child that no worker has taken yet may run at once on this thread.
 *
 * Throws as `get` rejects, and FAILED_PRECONDITION outside of tasks and actors, in actors with async methods unless
 * `maxConcurrency` is 1, because it would hold up their other calls, and for the result of a task that awaits on the same thread.
 */
export function getSync<T>(ref: ObjectRef<T>, options?: GetSyncOptions): T;
export function getSync<const T extends readonly ObjectRef<unknown>[]>(refs: T, options?: GetSyncOptions): Values<T>;
export function getSync(refs: ObjectRef | readonly ObjectRef[], options: GetSyncOptions = {}): unknown {
  const many = Array.isArray(refs);
  const list: readonly ObjectRef[] = many ? refs : [refs];
  for (const ref of list) assertRef(ref, "getSync");
  const values = currentContext().backend.getSync(list, options);
  return many ? values : values[0];
}

/**
 * Copies a value to the object store and returns a reference to it. Passing that on many times copies nothing more. Throws
 * NOT_SERIALIZABLE for what cannot travel, INVALID_ARGUMENT for a reference, UNAVAILABLE where the session has ended.
 */
export function put<T>(value: T): NewRef<T> {
  if (value instanceof ObjectRef) {
    throw new RayflightError("INVALID_ARGUMENT", "put() got an ObjectRef.", { hint: "It is in the store already." });
  }
  return currentContext().backend.put(value) as NewRef<T>;
}

/**
 * Splits references into the first `numReturns` that are ready (failures are ready, too) and the rest, each in the order
 * given. Fewer are ready only when the time was up. Rejects with INVALID_ARGUMENT for a number or references that make no
 * sense, OBJECT_FREED for a reference that was released, CANCELLED when `signal` aborts, and TASK_CANCELLED where the task that
 * waits was cancelled.
 */
export async function wait<T>(
  refs: readonly ObjectRef<T>[],
  options: WaitOptions = {},
): Promise<[ready: ObjectRef<T>[], notReady: ObjectRef<T>[]]> {
  const { numReturns = 1 } = options;
  for (const ref of refs) assertRef(ref, "wait");
  if (!Number.isInteger(numReturns) || numReturns < 1 || numReturns > refs.length) {
    throw new RayflightError("INVALID_ARGUMENT", `wait() of ${refs.length} references got numReturns: ${numReturns}.`, {
      hint: "Ask for at least one and at most all of them.",
    });
  }
  if (new Set(refs.map(({ id }) => id)).size < refs.length) {
    throw new RayflightError("INVALID_ARGUMENT", "wait() got the same reference twice.", {
      hint: "Give each one once.",
    });
  }
  const isReady = await currentContext().backend.wait(refs, { ...options, numReturns });
  const ready = refs.filter((_, i) => isReady[i]).slice(0, numReturns);
  const chosen = new Set(ready);
  return [ready, refs.filter((ref) => !chosen.has(ref))];
}

/**
 * Drops the values of references for everybody, without waiting for others to let go of them. Throws INVALID_ARGUMENT for what is
 * no reference.
 */
export function free(refs: ObjectRef | readonly ObjectRef[]): void {
  const list: readonly ObjectRef[] = Array.isArray(refs) ? refs : [refs];
  for (const ref of list) assertRef(ref, "free");
  currentContext().backend.free(list);
}

/** How an actor is ended. */
export interface KillOptions {
  /** With false, only the actor's thread is ended, and the actor is made anew if its `maxRestarts` allow it. True by default. */
  noRestart?: boolean;
}

/** Ends an actor at once; its calls fail with ACTOR_DIED. Killing it twice is no error. Throws INVALID_ARGUMENT for what is no handle. */
export function kill(actor: ActorControl, { noRestart = true }: KillOptions = {}): void {
  if (typeof (actor as Partial<ActorControl> | null | undefined)?.[endActor] !== "function") {
    throw new RayflightError("INVALID_ARGUMENT", `kill() got ${describe(actor)} in place of an actor's handle.`, {
      hint: "Give it what .remote() of a remote class or getActor() returned.",
    });
  }
  actor[endActor](!noRestart);
}

/**
 * Ends the actor whose method is running, by intent: it is not made anew. Does not return; the call itself, and those that
 * have not ended, fail with ACTOR_DIED. Throws FAILED_PRECONDITION outside of an actor.
 */
export function exitActor(): never {
  const task = runningTask();
  if (task?.exit !== undefined) return task.exit();
  throw new RayflightError("FAILED_PRECONDITION", "exitActor() was called outside of an actor's method.", {
    hint: "End an actor from elsewhere with kill(handle).",
  });
}

/**
 * Cancels a task, and with `recursive`, the default, what it submitted: `get` then rejects with TASK_CANCELLED, and it is not
 * tried again. One that did not start is withdrawn. One that awaits something ends at once for everybody else; its code is
 * told by `getRuntimeContext().signal`, and its next `await get()` or `wait()` throws. One that computes is not interrupted
 * and may still give its value: only `force` ends it, with its thread. A task that is over is left alone. Of an actor's call,
 * `force` is refused with INVALID_ARGUMENT.
 */
export function cancel(ref: ObjectRef | ObjectRefGenerator, options: CancelOptions = {}): void {
  if (!(ref instanceof ObjectRefGenerator)) assertRef(ref, "cancel");
  const { force = false, recursive = true } = options;
  currentContext().backend.cancel(ref, { force, recursive });
}

/** The GPUs that the running task or actor holds, by number; none in the driver. */
export function getGpuIds(): readonly number[] {
  return runningTask()?.gpuIds ?? [];
}

/** A group of references that are released together: `using scope = createScope()`. */
export interface Scope extends Disposable {
  /** Adds a reference, or each of an array, and returns what it got. */
  add<T extends ObjectRef<unknown> | readonly ObjectRef<unknown>[]>(refs: T): T;
}

/** Makes a scope that holds nothing yet. */
export function createScope(): Scope {
  const held: ObjectRef<unknown>[] = [];
  return {
    add(refs) {
      if (Array.isArray(refs)) held.push(...(refs as ObjectRef[]));
      else held.push(refs as ObjectRef);
      return refs;
    },
    [Symbol.dispose]() {
      for (const ref of held.splice(0)) ref[Symbol.dispose]();
    },
  };
}

function assertRef(ref: unknown, verb: string): void {
  if (ref instanceof ObjectRef) return;
  throw new RayflightError("INVALID_ARGUMENT", `${verb}() got ${describe(ref)} in place of an ObjectRef.`, {
    hint: "Give it what .remote() or put() returned.",
  });
}

function describe(given: unknown): string {
  if (given === null || given === undefined) return String(given);
  return typeof given === "object" ? "something else" : `a ${typeof given}`;
}
