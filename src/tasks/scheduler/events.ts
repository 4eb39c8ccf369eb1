import type { Demand } from "./resources.js";

/** An object, and the task, call or actor creation that makes it, have the same number. */
export type ObjectId = number;
export type TaskId = ObjectId;
export type ActorId = number;
export type WorkerId = number;
/** A function or class that was shipped. */
export type CodeId = number;
/** Who submits: the driver is 0, a worker thread has its worker's number. */
export type ClientId = number;

/** What happened. `pending` are the arguments that are not ready yet. */
export type SchedulerEvent =
  | {
      type: "submit";
      task: TaskId;
      code: CodeId;
      demand: Demand;
      maxRetries: number;
      pending: readonly ObjectId[];
    }
  /** A `shared` actor lives with others on one thread. */
  | {
      type: "create";
      actor: ActorId;
      demand: Demand;
      shared: boolean;
      maxRestarts: number;
      pending: readonly ObjectId[];
    }
  | {
      type: "call";
      task: TaskId;
      actor: ActorId;
      caller: ClientId;
      maxTaskRetries: number;
      /** Where its caller gives it a place in an order of its own: for which of the actor's lives, from 0. */
      life?: number | undefined;
      pending: readonly ObjectId[];
    }
  /** After a restart, the caller has given calls their places for the actor's new life. */
  | { type: "placed"; caller: ClientId; tasks: ReadonlySet<TaskId>; actor: ActorId; life: number }
  /** An actor has left its thread, as it was told to, to be made anew. */
  | { type: "evicted"; actor: ActorId; began: ReadonlySet<TaskId> }
  | { type: "available"; object: ObjectId }
  | { type: "unavailable"; object: ObjectId }
  | { type: "started"; worker: WorkerId }
  /** Without a time, it had not begun. */
  | { type: "finished"; worker: WorkerId; task: TaskId; milliseconds?: number }
  | { type: "blocked"; worker: WorkerId; task: TaskId }
  | { type: "resumed"; worker: WorkerId; task: TaskId }
  /** The worker stands still until the task has what it waits for; then it goes on. */
  | { type: "stopped"; worker: WorkerId; task: TaskId }
  | { type: "wentOn"; worker: WorkerId; task: TaskId }
  /** A worker stands still until the task is done. */
  | { type: "hurry"; task: TaskId }
  /** A task did not begin, as its worker stands still. */
  | { type: "returned"; worker: WorkerId; task: TaskId }
  /**
   * A thread has ended. Of actors' threads: `began` names the calls that had begun, `guilty` whose call ended it, if known, and
   * `paused` an actor that, where it is made anew, gets its next thread only after `rested`.
   */
  | {
      type: "died";
      worker: WorkerId;
      began?: ReadonlySet<TaskId>;
      guilty?: ActorId | undefined;
      paused?: ActorId | undefined;
    }
  /** The pause of an actor is over. */
  | { type: "rested"; actor: ActorId }
  /** A thread puts calls up on a board, from which CPU workers take them. */
  | { type: "board" }
  /** A worker whose permit was revoked takes no more calls from boards. */
  | { type: "parked"; worker: WorkerId }
  /** With `restart`, only its thread is ended, and it is made anew if it may be. */
  | { type: "kill"; actor: ActorId; reason?: "killed" | "exited" | "released"; restart?: boolean }
  /** Takes back what did not start; `force` ends the thread of a task that runs, and nobody else on it is to blame. */
  | { type: "cancel"; task: TaskId; force: boolean; recursive: boolean }
  /** The worker's thread is to be ended, and nobody on it is to blame. */
  | { type: "discard"; worker: WorkerId };

/** Why a task has no value. */
export type FailReason =
  | { kind: "argument"; object: ObjectId }
  | { kind: "worker"; worker: WorkerId; attempts: number }
  | { kind: "actor"; actor: ActorId }
  /** It had begun when its actor's thread ended, and the actor is made anew. */
  | { kind: "restarted"; worker: WorkerId }
  | { kind: "no-workers" }
  | { kind: "cancelled" };

/** Why an actor is dead. */
export type DeathReason =
  | { kind: "argument"; object: ObjectId }
  | { kind: "worker"; worker: WorkerId }
  | { kind: "killed" | "exited" | "released" };

/** What is to be done about it, in this order. */
export type Instruction =
  | { type: "start"; worker: WorkerId; actor: ActorId | undefined }
  /** Starts a thread for shared actors. */
  | { type: "host"; worker: WorkerId }
  | { type: "stop"; worker: WorkerId }
  /** Ends the thread of an actor that is made anew then: `died` follows. */
  | { type: "terminate"; worker: WorkerId }
  | { type: "run"; worker: WorkerId; task: TaskId; gpus: readonly number[] }
  | { type: "construct"; worker: WorkerId; actor: ActorId; gpus: readonly number[] }
  | { type: "call"; worker: WorkerId; task: TaskId }
  /** The worker is told that nobody wants the task's outcome. */
  | { type: "cancel"; worker: WorkerId; task: TaskId; recursive: boolean }
  /** The actor leaves the thread, where others go on; with `again`, to be made anew: then `evicted` follows. */
  | { type: "evict"; worker: WorkerId; actor: ActorId; again: boolean }
  /** The worker may take calls from boards: for so long, or until that is revoked. When it is over, `parked` follows. */
  | { type: "permit"; worker: WorkerId; milliseconds?: number }
  | { type: "revoke"; worker: WorkerId }
  /** Threads end before they are up: nobody takes calls from boards. */
  | { type: "stranded" }
  | { type: "fail"; task: TaskId; reason: FailReason }
  /** The actor is not on this thread any more, and is about to be made anew. */
  | { type: "restarting"; actor: ActorId; worker: WorkerId }
  | { type: "dead"; actor: ActorId; reason: DeathReason };
