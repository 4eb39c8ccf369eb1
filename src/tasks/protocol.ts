import type { StoredValue } from "../store/value.js";
import type { Definition } from "./closures/definition.js";
import type { Failure } from "./failure.js";
import type { ActorId, ClientId, CodeId, ObjectId, TaskId } from "./scheduler/events.js";
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
      parent: TaskId | undefined;
    }
  | {
      type: "create";
      actor: ActorId;
      code: CodeId;
      className: string;
      args: readonly Argument[];
      demand: Demand;
      maxConcurrency: number;
      parent: TaskId | undefined;
    }
  | {
      type: "call";
      task: TaskId;
      actor: ActorId;
      name: string;
      method: string;
      args: readonly Argument[];
      parent: TaskId | undefined;
    }
  | { type: "put"; object: ObjectId; value: StoredValue }
  /** Answered by `got` once all are there or one is a failure. */
  | { type: "get"; request: number; objects: readonly ObjectId[] }
  /** Answered by `waited` once `count` are there, or at `settle`. */
  | { type: "wait"; request: number; objects: readonly ObjectId[]; count: number }
  | { type: "settle"; request: number }
  | { type: "forget"; request: number }
  | { type: "hold"; objects: readonly ObjectId[] }
  | { type: "release"; objects: ObjectId[] }
  | { type: "free"; objects: readonly ObjectId[] }
  | { type: "kill"; actor: ActorId }
  | { type: "cancel"; task: TaskId };

/** From a worker thread about what it runs. */
export type WorkerMessage =
  | { type: "started" }
  | { type: "done"; task: TaskId; outcome: Outcome; milliseconds: number }
  | { type: "constructed"; actor: ActorId; failure: Failure | undefined }
  | { type: "blocked"; task: TaskId }
  | { type: "resumed"; task: TaskId };

/** To whoever submitted. */
export type ClientReply =
  | { type: "got"; request: number; values: readonly StoredValue[] }
  | { type: "failed"; request: number; failure: Failure }
  | { type: "waited"; request: number; ready: readonly ObjectId[] };

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
    }
  | {
      type: "construct";
      actor: ActorId;
      code: CodeId;
      className: string;
      args: readonly StoredValue[];
      gpuIds: readonly number[];
      maxConcurrency: number;
    }
  | { type: "call"; task: TaskId; name: string; method: string; args: readonly StoredValue[] };

export type UpMessage = ClientMessage | WorkerMessage;
export type DownMessage = ClientReply | WorkerCommand;

/** What a driver is told when it connects. */
export interface Welcome {
  readonly client: ClientId;
  /** What the node has, in units. */
  readonly total: Demand;
}

/** The two names under which a bus carries all this. */
export const busMethods = { connect: "tasks.connect", batch: "tasks.batch" } as const;

export function isWorkerMessage(message: UpMessage): message is WorkerMessage {
  const { type } = message;
  return type === "done" || type === "blocked" || type === "resumed" || type === "started" || type === "constructed";
}

export function isReply(message: DownMessage): message is ClientReply {
  return message.type === "got" || message.type === "failed" || message.type === "waited";
}

export function isReference(argument: Argument): argument is ReferenceArgument {
  return typeof argument === "object" && argument !== null && "ref" in argument;
}
