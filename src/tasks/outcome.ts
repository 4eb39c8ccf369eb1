import { types } from "node:util";
import { isPrimitive } from "../store/value-survey.js";
import type { TaskClient } from "./client.js";
import { taskFailure } from "./failure.js";
import type { Outcome } from "./protocol.js";

/** The outcome of a call that returned: a result that cannot travel is a failure. */
export function packOutcome(result: unknown, task: { readonly name: string }, client: TaskClient): Outcome {
  if (isPrimitive(result)) return { value: result };
  try {
    return { value: client.codec.pack(result, `The result of ${task.name}`) };
  } catch (reason) {
    return { failure: taskFailure(task.name, reason) };
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return types.isPromise(value) || typeof (value as { then?: unknown }).then === "function";
}
