import type { ActorControl, MethodTarget } from "./actor-handle.js";
import type { RemoteCode } from "./live.js";
import type { ObjectRef } from "./object-ref.js";
import type { ObjectRefGenerator } from "./object-ref-generator.js";
import type { FilledActorOptions, FilledTaskOptions } from "./options.js";
import type { ActorName } from "./questions.js";
import type { Returns } from "./returns.js";
import type { ActorId } from "./scheduler/events.js";

/** How long `get` waits. */
export interface GetOptions {
  /** Rejects with GET_TIMEOUT after this long; the objects are not touched. No limit by default. */
  timeoutMs?: number;
  /** Rejects with CANCELLED when it aborts; the tasks go on. */
  signal?: AbortSignal;
}

/** How long `getSync` waits. */
export interface GetSyncOptions {
  /** Throws GET_TIMEOUT after this long; the objects are not touched. No limit by default. */
  timeoutMs?: number;
}

/** How many `wait` waits for, and how long. */
export interface WaitOptions {
  /** Returns when this many are ready, 1 by default. */
  numReturns?: number;
  /** Returns what is ready after this long, be it none. No limit by default. */
  timeoutMs?: number;
  /** Rejects with CANCELLED when it aborts; the tasks go on. */
  signal?: AbortSignal;
}

/** How a task is cancelled. */
export interface CancelOptions {
  /** Ends the thread of a task that runs, whatever it does. Tasks that are with it on that thread run again. False by default. */
  force?: boolean;
  /** Cancels also what the task submitted, and so on. True by default. */
  recursive?: boolean;
}

/** Where a thread belongs. */
export interface Place {
  readonly job: string;
  readonly node: string;
  /** Where the names of actors are looked for that come without a namespace. */
  readonly namespace: string;
}

/** A node and its resources, under Ray's names: `CPU`, `GPU`, and those that it was given. */
export interface NodeInfo {
  readonly id: string;
  readonly alive: boolean;
  /** What it has. */
  readonly resources: Readonly<Record<string, number>>;
  /** What of it nobody holds now. A CPU counts as free while it waits for calls. */
  readonly available: Readonly<Record<string, number>>;
}

/**
 * The contract that every engine fulfils: values in, references out. One suite of tests runs on each
 * (`test/tasks/backend-suite.ts`). Belongs to one thread.
 *
 * Submitting is synchronous, has no effect before the next microtask (or `get`, or hundreds of others submitted in
 * the same turn: then it may start at once) and copies the arguments at once: what the caller does to them later does not show. Submitting throws NOT_SERIALIZABLE for what cannot travel, FAILED_PRECONDITION for
 * what this node can never run, UNAVAILABLE after `close`. What goes wrong later is the failure of the object, which
 * `get` throws.
 */
export interface Backend {
  readonly kind: "inline" | "workers";

  /** What the session and its node are called. */
  readonly place: Place;

  /** Runs a function. Arguments that are references are replaced by their values before it starts, nested ones stay. */
  submit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef;

  /** Runs a function that makes several objects, or a stream of them: references in an array, or a generator of them. */
  submitReturning(
    code: RemoteCode,
    args: readonly unknown[],
    options: FilledTaskOptions & { returns: Returns },
  ): ObjectRef[] | ObjectRefGenerator;

  /** Makes an actor, with these methods, and returns a handle of it, or of the one that has its name already. */
  createActor(
    code: RemoteCode,
    methods: readonly string[],
    args: readonly unknown[],
    options: FilledActorOptions,
  ): ActorControl;

  /** A handle of the actor with a name. Throws NOT_FOUND. */
  findActor(name: string, namespace: string | undefined): ActorControl;

  listActors(everywhere: boolean): ActorName[];

  /** Calls a method. Calls of one thread to one actor start in the order in which they were made. */
  call(target: MethodTarget, args: readonly unknown[]): ObjectRef;

  /** Calls a method that makes several objects, or a stream of them: as `submitReturning`. */
  callReturning(
    target: MethodTarget & { returns: Returns },
    args: readonly unknown[],
  ): ObjectRef[] | ObjectRefGenerator;

  /** Copies a value to the store. */
  put(value: unknown): ObjectRef;

  /** The values, in order; rejects as soon as one of them is a failure. */
  get(refs: readonly ObjectRef[], options: GetOptions): Promise<unknown[]>;

  /**
   * The values, in order, while the thread of the calling task or actor stops; throws as soon as one of them is a failure.
   * Throws FAILED_PRECONDITION outside of tasks and actors, in an actor whose calls may overlap, and where what it would
   * wait for needs this thread.
   */
  getSync(refs: readonly ObjectRef[], options: GetSyncOptions): unknown[];

  /** Which of them have a value or a failure, once there are `numReturns` of those or the time is up. */
  wait(
    refs: readonly ObjectRef[],
    options: Required<Pick<WaitOptions, "numReturns">> & WaitOptions,
  ): Promise<boolean[]>;

  /** Drops the values for everybody: whoever asks for them gets OBJECT_FREED. */
  free(refs: readonly ObjectRef[]): void;

  /**
   * Ends an actor at once; its calls fail with ACTOR_DIED. With `restart`, only its thread is ended, and the actor is made
   * anew if its `maxRestarts` allow it.
   */
  kill(actor: ActorId, restart: boolean): void;

  /** Withdraws a task that did not start, and stops one that runs, as `cancel` says. */
  cancel(ref: ObjectRef | ObjectRefGenerator, options: Required<CancelOptions>): void;

  /** The nodes, with what they have and what of it is free at this moment. */
  nodes(): Promise<readonly NodeInfo[]>;

  /**
   * Takes no more part: pending `get`s reject with UNAVAILABLE, and so does all that is asked later. What runs on this thread
   * ends; worker threads are the node's, which ends them when it ends.
   */
  close(): Promise<void>;
}
