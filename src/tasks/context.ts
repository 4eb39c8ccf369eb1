import { AsyncLocalStorage } from "node:async_hooks";
import type { Bus } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { Backend } from "./backend.js";
import type { ActorId, TaskId, WorkerId } from "./scheduler/events.js";
import type { Demand } from "./scheduler/resources.js";

/** What the public functions of this thread work on. */
export interface RayContext {
  readonly backend: Backend;
  /** The bus to the node thread: other rooms' clients (datasets) are made on it. The inline backend may have none. */
  readonly bus?: Bus;
  /** In a worker thread: its number. */
  readonly worker?: WorkerId;
}

/** The task or method that is running. */
export interface RunningTask {
  readonly task: TaskId;
  readonly actor?: ActorId;
  readonly name: string;
  readonly gpuIds: readonly number[];
  /** Of an actor: ends it. */
  exit?(): never;
  /** How often it was begun, with this time. */
  readonly attempt: number;
  /** What it holds. */
  readonly demand: Demand;
  /** Of an actor: whether it was made anew. */
  readonly wasReconstructed?: boolean;
  /** Why it was cancelled, once it was. */
  readonly cancelled: RayflightError | undefined;
  /** Aborts when it is cancelled. */
  readonly signal: AbortSignal;
  /** Says that it waits for an object, so that others may run meanwhile, and that it goes on. */
  blocked(): void;
  resumed(): void;
  /** Throws FAILED_PRECONDITION where its thread must not stop. */
  mayStop(): void;
  /** Says that its thread stands still, so that others take what it has, and another thread its CPU; and that it goes on. */
  stopped(): void;
  wentOn(): void;
}

/**
 * Where the running task stands. Setting up an asynchronous context costs more than a short task does, so that tasks which
 * run one after the other share a seat, until one goes on after its call has returned: then it keeps the seat.
 */
export interface TaskSeat {
  task: RunningTask | undefined;
}

interface ThreadState {
  context: RayContext | undefined;
  readonly running: AsyncLocalStorage<TaskSeat>;
  /** Whose code runs that has no seat. */
  unfollowed: RunningTask | undefined;
}

// On globalThis, so that a second copy of the package in the same thread works on the same backend.
const key = Symbol.for("rayflight.context");
const thread = globalThis as { [key]?: ThreadState };
thread[key] ??= { context: undefined, running: new AsyncLocalStorage(), unfollowed: undefined };
const state = thread[key];

/** Sets what the public functions of this thread work on; undefined when a session ends. */
export function setContext(context: RayContext | undefined): void {
  state.context = context;
}

/** Throws FAILED_PRECONDITION when this thread has no session. */
export function currentContext(): RayContext {
  if (state.context === undefined) {
    throw new RayflightError("FAILED_PRECONDITION", "This thread has no session.", {
      hint: "Call `await ray.init()` first.",
    });
  }
  return state.context;
}

export function hasContext(): boolean {
  return state.context !== undefined;
}

/** The task or method whose code is calling, undefined in the driver. Follows through awaits what has a seat. */
export function runningTask(): RunningTask | undefined {
  return state.running.getStore()?.task ?? state.unfollowed;
}

/**
 * Code of this thread that has no seat is from now on that of `task`. Where seats are never used, Node.js follows no promise: until
 * version 24, that is a third of what a short call costs a thread whose caches are cold.
 */
export function runUnfollowed(task: RunningTask): void {
  state.unfollowed = task;
}

/**
 * Waits for `promise`; while it is pending, the running task counts as waiting, and its thread may take another one. Throws
 * TASK_CANCELLED where that task was cancelled.
 */
export async function whileBlocked<T>(promise: Promise<T>): Promise<T> {
  const task = runningTask();
  task?.blocked();
  try {
    return await promise;
  } finally {
    task?.resumed();
    // biome-ignore lint/correctness/noUnsafeFinally: whatever it waited for, it must not go on.
    if (task?.cancelled !== undefined) throw task.cancelled;
  }
}

/** Runs `body` as the code of `task`. */
export function runAs<T>(task: RunningTask, body: () => T): T {
  return state.running.run({ task }, body);
}

/** Runs `body`, which seats one task after the other. */
export function runAll<T>(seat: TaskSeat, body: () => T): T {
  return state.running.run(seat, body);
}
