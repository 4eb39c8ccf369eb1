import type { StoredValue } from "../store/value.js";
import type { NodeInfo, Place } from "./backend.js";
import type { Definition } from "./closures/definition.js";
import type { Failure } from "./failure.js";
import type { Question } from "./questions.js";
import type { Returns } from "./returns.js";
import type { BoardMemory } from "./rings/board.js";
import type { ActorId, ClientId, CodeId, ObjectId, TaskId, WorkerId } from "./scheduler/events.js";
import type { Demand } from "./scheduler/resources.js";

/**
 * Everything that crosses between the node thread and a thread that submits or runs tasks. Messages made in one turn
 * travel together as one array; order is kept, and the counting of references relies on it.
 */

/** An argument: a value, or a reference that the node replaces by its value. */
export type Argument = StoredValue | ReferenceArgument;
export interface ReferenceArgument {
  readonly ref: ObjectId;
}

/** Where a call stands among those of its caller to one actor. */
export interface CallPlace {
  /** How often the actor had been made anew: each time, the order begins again. */
  readonly life: number;
  readonly sequence: number;
}

/** Which items of a stream an attempt should send: from this one on, those before the limit; that may be raised. */
export interface StreamPart {
  readonly from: number;
  readonly limit: number;
  /** Where it ends, though its generator may go on. */
  readonly until?: number | undefined;
}

/** A task that can be run once more. */
export interface Resubmission {
  readonly task: TaskId;
  readonly code: CodeId;
  readonly name: string;
  readonly args: readonly Argument[];
  readonly demand: Demand;
  /** How often it may still be run; -1 for ever. */
  readonly maxRetries: number;
  readonly retryExceptions: boolean;
  readonly returns?: Returns | undefined;
}

/** A value or why there is none. */
export type Outcome = { readonly value: StoredValue } | { readonly failure: Failure };

/** From whoever submits. The sender holds every object it makes, until it says `release`. */
export type ClientMessage =
  | { type: "define"; code: CodeId; definition: Definition }
  | {
      type: "submit";
      task: TaskId;
      code: CodeId;
      name: string;
      args: readonly Argument[];
      demand: Demand;
      maxRetries: number;
      retryExceptions: boolean;
      parent: TaskId | undefined;
      returns?: Returns | undefined;
    }
  | {
      type: "create";
      actor: ActorId;
      code: CodeId;
      className: string;
      args: readonly Argument[];
      demand: Demand;
      /** How many calls of each concurrency group may be under way, the usual one first. */
      limits: readonly number[];
      /** Whether it lives with others on one thread. */
      shared: boolean;
      maxRestarts: number;
      /** Whether it lives on when nobody has a handle of it. */
      detached: boolean;
      parent: TaskId | undefined;
    }
  | {
      type: "call";
      task: TaskId;
      actor: ActorId;
      name: string;
      method: string;
      group: number;
      args: readonly Argument[];
      maxTaskRetries: number;
      /** Whether the caller wants to know when the call has ended. */
      tell: boolean;
      parent: TaskId | undefined;
      /** Its place in the order of the caller's calls to this actor, where others go by a ring. */
      place?: CallPlace;
      returns?: Returns | undefined;
    }
  /** Calls that did not end in the actor's last life have got places for this one. */
  | { type: "placed"; actor: ActorId; life: number; calls: readonly (readonly [TaskId, sequence: number])[] }
  | { type: "put"; object: ObjectId; value: StoredValue }
  /** An object that the sender owns has left its thread: the node has it from now on, or once its outcome follows. */
  | { type: "share"; object: ObjectId; outcome: Outcome | undefined }
  /** The sender puts calls up on a board. */
  | { type: "board"; memory: BoardMemory }
  /**
   * What the sender's calls name by this number: a function, a method of a class, or a method of one shared actor; and how
   * often they are tried again when they throw (-1: for ever).
   */
  | { type: "callee"; callee: number; code: CodeId | undefined; name: string; retries: number; actor?: ActorId }
  /** Asks to be introduced to an actor: answered by `line` once it is up, and by `lineEnded` once it is dead. */
  | { type: "meet"; actor: ActorId }
  /** A task of the sender's board ended without a worker's word. */
  | {
      type: "unrun";
      task: TaskId;
      name: string;
      failure: Failure;
      attempt: number;
      parent: TaskId;
      submitted: number;
      actor?: ActorId;
    }
  /** The result of this attempt was lost: what a journal says of it does not count. */
  | { type: "unanswered"; task: TaskId; attempt: number }
  /**
   * Answered by `got` once all are there or one is a failure. With `areHeld`, their owners hold them: one that is not known
   * is still under way. With `stops`, a thread stands still until then.
   */
  | { type: "get"; request: number; objects: readonly ObjectId[]; areHeld?: true; stops?: true }
  /** Answered by `waited` once `count` are there, or at `settle`. */
  | { type: "wait"; request: number; objects: readonly ObjectId[]; count: number }
  | { type: "settle"; request: number }
  | { type: "forget"; request: number }
  | { type: "hold"; objects: ObjectId[] }
  /** The sender has got a handle, which may have outrun its actor's `create`. */
  | { type: "holdActor"; actor: ActorId }
  | { type: "release"; objects: ObjectId[] }
  | { type: "free"; objects: readonly ObjectId[] }
  /** The sender has no view left of what came with these numbers. */
  | { type: "giveBack"; loans: number[] }
  /** A value that follows lies in this spare buffer. */
  | { type: "usesSpare"; spare: number }
  /** The sender has collected its garbage, as it was asked to in this round. */
  | { type: "collected"; round: number }
  /** How to make the sender's task's result again, should it be lost. */
  | { type: "lineage"; call: Resubmission }
  /** With `restart`, only its thread is ended, and it is made anew if it may be. */
  | { type: "kill"; actor: ActorId; restart: boolean }
  /** `actor` is given for a call that went to it directly. */
  | { type: "cancel"; task: TaskId; force: boolean; recursive: boolean; actor?: ActorId | undefined }
  /** The sender has taken so many items of the stream that a task makes. */
  | { type: "took"; task: TaskId; count: number }
  /** The sender waits for the answer, blocked: it is written there. */
  | { type: "ask"; question: Question; answer: SharedArrayBuffer }
  /** Answered by `nodes`. */
  | { type: "nodes"; request: number }
  /** The calls that the sender knows of which have not ended, but for those on its board: a `CallList`. */
  | { type: "looked"; request: number; calls: Float64Array };

/** From a worker thread about what it runs. */
export type WorkerMessage =
  | { type: "started" }
  /** `more` are the outcomes of the objects after the first one, where there are several and none failed. */
  | { type: "done"; task: TaskId; outcome: Outcome; milliseconds: number; more?: readonly Outcome[] }
  /** The item of a stream, from 0. */
  | { type: "item"; task: TaskId; index: number; value: StoredValue }
  | { type: "constructed"; actor: ActorId; failure: Failure | undefined }
  /** A shared actor has left this thread, as it was told to, and what it has begun is known. */
  | { type: "evicted"; actor: ActorId }
  /** The actor has called `exitActor`. */
  | { type: "exit"; actor: ActorId }
  | { type: "blocked"; task: TaskId }
  | { type: "resumed"; task: TaskId }
  /** The thread stands still until the task has what it waits for, and takes nothing up; then it goes on. */
  | { type: "stopped"; task: TaskId }
  | { type: "wentOn"; task: TaskId }
  /** Tasks that did not begin, as the thread stands still. */
  | { type: "returned"; tasks: readonly TaskId[] }
  /** The outcome of a call from a board that does not fit words; its owner is told to ask for it. */
  | { type: "deposit"; task: TaskId; name: string; outcome: Outcome }
  /** Asks for what an owner's calls name by this number. Answered by `callee`, after its `define`. */
  | { type: "learn"; owner: ClientId; callee: number }
  /** Takes no more calls, as the permit with this number was revoked. */
  | { type: "parked"; permit: number }
  /** It was woken for a call from a board, but goes on with a task that waited. */
  | { type: "taken" }
  /** A call that came by a board or a ring threw: what its row says. */
  | {
      type: "fault";
      number: number;
      owner: ClientId;
      callee: number;
      parent: TaskId;
      attempt: number;
      submitted: number;
      started: number;
      ended: number;
      error: string;
    }
  /** The sender's journal goes on in this chunk. */
  | { type: "journal"; chunk: SharedArrayBuffer };

/** The rings between a caller and an actor's thread, and that thread's words. */
export interface LineRings {
  readonly calls: SharedArrayBuffer;
  readonly results: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
}

/** To whoever submitted. */
export type ClientReply =
  | { type: "got"; request: number; values: readonly StoredValue[] }
  | { type: "failed"; request: number; failure: Failure }
  | { type: "waited"; request: number; ready: readonly ObjectId[] }
  | { type: "nodes"; request: number; nodes: readonly NodeInfo[] }
  /** Somebody wants to see the tasks: answered by `looked`. */
  | { type: "look"; request: number }
  /** The next item of a stream. */
  | { type: "item"; task: TaskId; object: ObjectId }
  /** The task that makes a stream has ended; its own object says how. */
  | { type: "streamEnd"; task: TaskId; failed: boolean }
  /** Somebody asks for a task of the receiver's to be cancelled. */
  | { type: "cancelOwn"; task: TaskId; force: boolean; recursive: boolean }
  /** A worker may claim from the receiver's board; its results come by this ring. */
  | { type: "claimer"; worker: WorkerId; results: SharedArrayBuffer; words: SharedArrayBuffer }
  /** That worker's thread has ended. */
  | { type: "ended"; worker: WorkerId; reason: string; onPurpose: boolean }
  /**
   * The actor is up. Calls to it go by the ring to its thread, and results come by another: those that are given, or those that
   * were given for another actor on the same thread. An actor that may be made anew notes in `begun`, by group, how far it has
   * begun its calls.
   */
  | {
      type: "line";
      actor: ActorId;
      worker: WorkerId;
      shared: boolean;
      life: number;
      rings: LineRings | undefined;
      begun: SharedArrayBuffer | undefined;
    }
  /** The actor is not on its thread any more: it is made anew, and another `line` follows. With `gone`, the thread has ended. */
  | { type: "lineBroken"; actor: ActorId; reason: string; gone: boolean }
  /** The actor is dead. With `gone`, its thread had ended before. */
  | { type: "lineEnded"; actor: ActorId; failure: Failure; gone: boolean }
  /** A call that went by the node has ended; said where that was asked for. */
  | { type: "callEnded"; actor: ActorId; task: TaskId }
  /** A buffer for a value to come. */
  | { type: "spare"; number: number; buffer: SharedArrayBuffer }
  /** Memory is short: spare buffers that were not used are the node's again. */
  | { type: "dropSpares" }
  /** Memory is short: asks for `giveBack` of what is garbage, then `collected`. */
  | { type: "collect"; round: number }
  /** The object's value was dropped for everybody. */
  | { type: "freed"; object: ObjectId }
  /** Worker threads end before they are up. */
  | { type: "stranded"; reason: string };

/** To a worker thread: what to run. */
export type WorkerCommand =
  | { type: "define"; code: CodeId; definition: Definition }
  | {
      type: "run";
      task: TaskId;
      code: CodeId;
      name: string;
      args: readonly StoredValue[];
      gpuIds: readonly number[];
      attempt: number;
      demand: Demand;
      returns?: { readonly count: number } | StreamPart | undefined;
    }
  | { type: "cancel"; task: TaskId; recursive: boolean; actor?: ActorId | undefined }
  /** Items of the stream before this one may be made. */
  | { type: "demand"; task: TaskId; limit: number }
  | {
      type: "construct";
      actor: ActorId;
      code: CodeId;
      className: string;
      args: readonly StoredValue[];
      demand: Demand;
      gpuIds: readonly number[];
      limits: readonly number[];
      /** How often it may be made anew, -1 for ever. Unless 0, its callers' messages say where to note how far calls have begun. */
      maxRestarts: number;
      shared: boolean;
      /** How often it was made anew. */
      life: number;
    }
  /**
   * A shared actor is to be dropped: what it has not begun is not to begin. With `again`, it is made anew then: what it has begun
   * is not to be answered, and `evicted` says that it is gone.
   */
  | { type: "evict"; actor: ActorId; again: boolean }
  | {
      type: "call";
      task: TaskId;
      actor: ActorId;
      name: string;
      method: string;
      group: number;
      args: readonly StoredValue[];
      caller: ClientId;
      /** Its place among the caller's calls. */
      sequence: number;
      returns?: { readonly count: number } | StreamPart | undefined;
    }
  /** A call of this caller has ended before it was sent: its place stays empty. */
  | { type: "skip"; actor: ActorId; caller: ClientId; sequence: number }
  /**
   * A thread calls this actor: by a ring, and results go to it by another; without rings, by those that it has, or by message.
   * In `begun` is to be noted, by group, how far its calls have begun.
   */
  | {
      type: "caller";
      caller: ClientId;
      actor: ActorId;
      rings: LineRings | undefined;
      begun: SharedArrayBuffer | undefined;
    }
  /**
   * There is a board to claim from; results go by this ring to its owner, whose words are given. With `chains`, arguments may be
   * results of the owner's calls that this thread ran.
   */
  | {
      type: "claim";
      owner: ClientId;
      memory: BoardMemory;
      results: SharedArrayBuffer;
      words: SharedArrayBuffer;
      chains: boolean;
    }
  /** A caller's thread has ended: nobody reads what it is answered. */
  | { type: "callerEnded"; caller: ClientId }
  /** A board's owner has ended. */
  | { type: "disclaim"; owner: ClientId }
  | { type: "callee"; owner: ClientId; callee: number; code: CodeId; name: string };

export type UpMessage = ClientMessage | WorkerMessage;
export type DownMessage = ClientReply | WorkerCommand;

/** What a driver is told when it connects. */
export interface Welcome {
  readonly client: ClientId;
  readonly place: Place;
  /** What the node has, in units. */
  readonly total: Demand;
  /** The thread's words; absent where there are no boards, and every call goes by message. */
  readonly words?: SharedArrayBuffer;
}

/** The names under which a bus carries all this, and tells the driver where the output of a new worker comes from. */
export const busMethods = { connect: "tasks.connect", batch: "tasks.batch", output: "tasks.output" } as const;

const workerMessages: ReadonlySet<string> = new Set<WorkerMessage["type"]>([
  "started",
  "done",
  "item",
  "constructed",
  "evicted",
  "exit",
  "blocked",
  "resumed",
  "stopped",
  "wentOn",
  "returned",
  "deposit",
  "learn",
  "parked",
  "taken",
  "fault",
  "journal",
]);
const replies: ReadonlySet<string> = new Set<ClientReply["type"]>([
  "got",
  "failed",
  "waited",
  "nodes",
  "look",
  "item",
  "streamEnd",
  "cancelOwn",
  "claimer",
  "ended",
  "stranded",
  "line",
  "lineBroken",
  "lineEnded",
  "callEnded",
  "spare",
  "dropSpares",
  "collect",
  "freed",
]);

export function isWorkerMessage(message: UpMessage): message is WorkerMessage {
  return workerMessages.has(message.type);
}

export function isReply(message: DownMessage): message is ClientReply {
  return replies.has(message.type);
}

export function isReference(argument: Argument): argument is ReferenceArgument {
  return typeof argument === "object" && argument !== null && "ref" in argument;
}
