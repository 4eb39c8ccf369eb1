import type { Failure } from "../failure.js";
import type { ActorRecord } from "./records.js";

/** The failures that are not the code's own: what happened, in words, and what to do. */

export function workerDied(task: string, attempts: number, reason: string): Failure {
  return {
    code: "WORKER_DIED",
    message: `${task} ended its worker thread ${attempts === 1 ? "" : `${attempts} times, the last time `}because ${reason}.`,
    hint: "Look for process.exit(), an error thrown in a timer or callback, or too much memory; maxRetries says how often it is tried.",
  };
}

export function noWorkers(task: string, reason: string): Failure {
  return {
    code: "WORKER_DIED",
    message: `${task} was not started: worker threads end before they are up, the last one because ${reason}.`,
    hint: "Check the memory of this machine and the options given to Node.",
  };
}

export function cancelled(task: string): Failure {
  return { code: "TASK_CANCELLED", message: `${task} was withdrawn before it started.`, hint: "Submit it again." };
}

export function stopped(task: string): Failure {
  return { code: "TASK_CANCELLED", message: `${task} was cancelled while it ran.`, hint: "Submit it again." };
}

export function actorDied(call: string, actor: Failure | undefined): Failure {
  return {
    code: "ACTOR_DIED",
    message: `${call} was not completed: ${actor?.message ?? "its actor is dead."}`,
    hint: actor?.hint ?? "Make a new actor.",
    ...(actor?.cause && { cause: actor.cause }),
  };
}

export function ownerDied(object: string, reason: string): Failure {
  return {
    code: "OBJECT_LOST",
    message: `The object ${object} was being made for a thread that ended, because ${reason}.`,
    hint: "Run the task again that submitted what makes it.",
  };
}

/** Of an object whose bytes are gone, and that cannot be made again. */
export function objectLost(object: string, why?: string): Failure {
  return {
    code: "OBJECT_LOST",
    message: `The object ${object} was lost${why === undefined ? "" : `: ${why.replace(/\.$/, "")}`}, and cannot be made again.`,
    hint: "Only results of tasks can, within their maxRetries and as long as the calls that made them are kept; not what was put, nor what actors return.",
  };
}

/** The failure of an object that nobody held any more, or that `free` dropped. */
export function freed(object: string): Failure {
  return {
    code: "OBJECT_FREED",
    message: `The object ${object} was released.`,
    hint: "Keep a reference to it, and free it only when nobody needs it any more.",
  };
}

export function unknownActor(): Failure {
  return { code: "ACTOR_DIED", message: "There is no such actor.", hint: "Use a handle of this session." };
}

/** Of a call whose actor is made anew. */
export function callInterrupted(call: string, reason: string): Failure {
  return {
    code: "ACTOR_UNAVAILABLE",
    message: `${call} had begun when the thread of its actor ended because ${reason}; the actor starts again.`,
    hint: "Call it again, or set maxTaskRetries if it may run twice.",
  };
}

/** Of an actor that was meant to end. */
export const actorEnded = {
  killed: ({ message: { className } }: ActorRecord): Failure => ({
    code: "ACTOR_DIED",
    message: `The actor ${className} was killed.`,
    hint: "Make a new actor.",
  }),
  exited: ({ message: { className } }: ActorRecord): Failure => ({
    code: "ACTOR_DIED",
    message: `The actor ${className} ended itself by exitActor().`,
    hint: "Make a new actor.",
  }),
  released: ({ message: { className } }: ActorRecord): Failure => ({
    code: "ACTOR_DIED",
    message: `The actor ${className} ended because nobody had a handle of it any more.`,
    hint: "Keep its handle as long as you need it.",
  }),
};

export function actorLost({ message: { className } }: ActorRecord, reason: string): Failure {
  return {
    code: "ACTOR_DIED",
    message: `The thread of the actor ${className} ended because ${reason}.`,
    hint: "Look for process.exit(), an error thrown in a timer or callback, or too much memory, then make a new actor.",
  };
}

export function actorArgument({ message: { className } }: ActorRecord, argument: Failure): Failure {
  return {
    code: "ACTOR_DIED",
    message: `The actor ${className} was not made, because an argument failed: ${argument.message}`,
    hint: "Mend what makes the argument.",
    ...(argument.cause && { cause: argument.cause }),
  };
}

export function actorConstructor({ message: { className } }: ActorRecord, thrown: Failure): Failure {
  return {
    code: "ACTOR_DIED",
    message: `The actor ${className} was not made: ${thrown.message}`,
    hint: "Mend the constructor; its stack on the worker is below.",
    ...(thrown.cause && { cause: thrown.cause }),
  };
}

/** Why a thread of shared actors was ended. */
export function stuckTenant({ message: { className } }: ActorRecord): string {
  return `${className}, which shared it, was killed in the middle of a call`;
}
