import type { ActorRow, TaskRow } from "../../control/index.js";
import type { ListedCall } from "../call-list.js";
import { wallTime } from "../clock.js";
import type { Failure } from "../failure.js";
import { refsIn } from "../live.js";
import { formatObjectId } from "../object-ref.js";
import {
  type Argument,
  type CallPlace,
  type ClientMessage,
  isReference,
  type Resubmission,
  type WorkerMessage,
} from "../protocol.js";
import type { ClientId, ObjectId, TaskId, WorkerId } from "../scheduler/events.js";
import type { CalleeRecord } from "./board-table.js";
import { formatWorkerId } from "./changed-rows.js";

type Submit = ClientMessage & { type: "submit" };
type Call = ClientMessage & { type: "call" };
type Create = ClientMessage & { type: "create" };

/** A task or call that has no outcome yet. */
export interface TaskRecord {
  readonly message: Submit | Call;
  readonly client: ClientId;
  /** The arguments' objects, which it keeps alive. */
  readonly pins: readonly ObjectId[];
  readonly row: TaskRow;
  /** Of a call: its place in the order that its caller gave it, and in which of the actor's lives it was sent. */
  place?: CallPlace | undefined;
  sentIn?: number | undefined;
}

/** An actor, also after its end. */
export interface ActorRecord {
  readonly message: Omit<Create, "args">;
  /** Of the constructor; empty once it ran for the last time. */
  args: Create["args"];
  readonly pins: ObjectId[];
  readonly row: ActorRow;
  /** Threads that call it by rings, or will. */
  readonly callers: Set<ClientId>;
  worker?: WorkerId;
  /** Why it is dead. */
  failure?: Failure;
}

/** The objects that arguments refer to, at the top level and inside. */
export function pinsOf(args: readonly Argument[]): ObjectId[] {
  return args.flatMap((argument) => (isReference(argument) ? [argument.ref] : refsIn(argument)));
}

/** The objects whose values the arguments are. */
export function dependenciesOf(args: readonly Argument[]): ObjectId[] {
  return args.flatMap((argument) => (isReference(argument) ? [argument.ref] : []));
}

/** The call that makes a task's object again, if its value is lost, after so many attempts. */
export function resubmissionOf(message: Submit, attempt: number): Resubmission {
  const { task, code, name, args, demand, retryExceptions, returns } = message;
  const maxRetries = retriesLeft(message, attempt - 1);
  return { task, code, name, args, demand, maxRetries, retryExceptions, returns };
}

/** How often a task may be tried again after so many attempts that failed; -1 for ever. */
export function retriesLeft({ maxRetries }: Submit, attempts: number): number {
  return maxRetries < 0 ? maxRetries : Math.max(0, maxRetries - attempts);
}

export function taskRow(message: Submit | Call): TaskRow {
  return {
    id: formatObjectId(message.task),
    name: message.name,
    kind: message.type === "submit" ? "task" : "actor-call",
    state: "pending",
    parent: parentOf(message.parent),
    actor: message.type === "call" ? formatObjectId(message.actor) : null,
    worker: null,
    attempt: 0,
    submittedAt: wallTime(),
    startedAt: null,
    endedAt: null,
    error: null,
  };
}

/** The row of a task that ended without a worker's word. */
export function unrunRow(message: ClientMessage & { type: "unrun" }): TaskRow {
  const { task, name, failure, attempt, parent, submitted, actor } = message;
  return {
    id: formatObjectId(task),
    name,
    kind: actor === undefined ? "task" : "actor-call",
    state: failure.code === "TASK_CANCELLED" ? "cancelled" : "failed",
    parent: parent === 0 ? null : formatObjectId(parent),
    actor: actor === undefined ? null : formatObjectId(actor),
    worker: null,
    attempt,
    submittedAt: submitted,
    startedAt: null,
    endedAt: wallTime(),
    error: `${failure.code}: ${failure.message}`,
  };
}

/** The row of a call that a thread says has not ended; `threadActor` is the actor that has the thread for itself. */
export function listedRow(
  client: ClientId,
  { owner, number, parent, submitted, attempt, actor, started }: ListedCall,
  callee: CalleeRecord | undefined,
  threadActor: string | null,
): TaskRow {
  const isRunning = started > 0;
  const running = callee?.actor === undefined ? threadActor : formatObjectId(callee.actor);
  const named = (isRunning ? running : null) ?? (actor === 0 ? null : formatObjectId(actor));
  return {
    id: formatObjectId(owner * 2 ** 32 + number),
    name: callee?.name ?? "a task",
    kind: named === null ? "task" : "actor-call",
    state: isRunning ? "running" : "pending",
    parent: parent === 0 ? null : formatObjectId(parent),
    actor: named,
    worker: isRunning ? formatWorkerId(client) : null,
    attempt,
    submittedAt: submitted,
    startedAt: isRunning ? started : null,
    endedAt: null,
    error: null,
  };
}

/** The row of a call that threw in a worker. */
export function faultRow(
  worker: WorkerId,
  message: WorkerMessage & { type: "fault" },
  name: string,
  actor: string | null,
): TaskRow {
  const { number, owner, parent, attempt, submitted, started, ended, error } = message;
  return {
    id: formatObjectId(owner * 2 ** 32 + number),
    name,
    kind: actor === null ? "task" : "actor-call",
    state: "failed",
    parent: parent === 0 ? null : formatObjectId(parent),
    actor,
    worker: formatWorkerId(worker),
    attempt,
    submittedAt: submitted,
    startedAt: started,
    endedAt: ended,
    error,
  };
}

/** The row of a task whose owner has ended: nobody wants it any more. */
export function orphanRow(row: TaskRow, reason: string): TaskRow {
  return { ...row, state: "cancelled", endedAt: wallTime(), error: `Its owner's thread ended because ${reason}.` };
}

export function actorRow(message: Create): ActorRow {
  return {
    id: formatObjectId(message.actor),
    name: null,
    className: message.className,
    state: "pending",
    worker: null,
    restarts: 0,
    createdAt: Date.now(),
    endedAt: null,
    error: null,
  };
}

function parentOf(parent: TaskId | undefined): string | null {
  return parent === undefined ? null : formatObjectId(parent);
}
