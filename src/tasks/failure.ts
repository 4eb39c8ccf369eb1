import { fileURLToPath } from "node:url";
import { type ErrorCode, RayflightError } from "../error.js";

/** What was thrown, as far as it can be told in another thread. */
export interface Thrown {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  readonly code?: ErrorCode;
}

/** Why an object has no value: what `get` rethrows. It lies in the store in place of the value. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
  readonly cause?: Thrown;
}

/** Describes anything that was thrown. */
export function describeThrown(reason: unknown): Thrown {
  if (reason instanceof RayflightError) {
    const { name, message, code, stack } = reason;
    return { name, message, code, stack: stack ?? "" };
  }
  // Not instanceof: an error of another realm is one, too.
  if (typeof reason === "object" && reason !== null && "message" in reason) {
    const { name, message, stack } = reason as { name?: unknown; message: unknown; stack?: unknown };
    return { name: String(name ?? "Error"), message: String(message), stack: String(stack ?? "") };
  }
  return { name: "thrown value", message: String(reason), stack: "" };
}

/** The failure of a task or call whose code threw. */
export function taskFailure(task: string, reason: unknown): Failure {
  const cause = describeThrown(reason);
  const what = cause.code === undefined ? `${cause.name}: ${cause.message}` : cause.message;
  const end = /[.!?]$/.test(what) ? "" : ".";
  return { code: "TASK_FAILED", message: `${task} failed: ${what}${end}`, hint: taskHint, cause };
}

const taskHint = "Its stack on the worker is below.";

/** The error that `get` throws for a failure: a fresh one each time, with the worker's stack above the caller's. */
export function toError(failure: Failure): RayflightError {
  const { code, hint, cause } = failure;
  // A chain of failed tasks says its hint once.
  const message = failure.message.replaceAll(` ${taskHint}`, "");
  const error = new RayflightError(code, message, { hint, ...(cause && { cause: rebuild(cause) }) });
  const remote = cause?.stack ? `\n--- on the worker ---\n${cause.stack}` : "";
  error.stack = withoutOwnFrames(`${error.stack}${remote}`);
  return error;
}

// As V8 shows them, with source maps and without.
const ownFolder = fileURLToPath(new URL(".", import.meta.url));
const ownFolders = [ownFolder, ownFolder.replace("/dist/src/", "/src/")];

/** Leaves the caller's and the task's own lines: how the engine got from one to the other is no news. */
function withoutOwnFrames(stack: string): string {
  const isOwn = (line: string) =>
    /^\s+at /.test(line) &&
    (ownFolders.some((folder) => line.includes(folder)) ||
      /AsyncLocalStorage\.run|processTicksAndRejections/.test(line));
  return stack
    .split("\n")
    .filter((line) => !isOwn(line))
    .join("\n");
}

function rebuild({ name, message, stack, code }: Thrown): Error {
  const error = code === undefined ? new Error(message) : new RayflightError(code, message);
  Object.defineProperty(error, "name", { value: name, configurable: true });
  error.stack = stack;
  return error;
}
