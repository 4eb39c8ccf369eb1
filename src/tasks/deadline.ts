import { RayflightError } from "../error.js";
import type { GetOptions } from "./backend.js";
import { type Failure, toError } from "./failure.js";

/** Keeps the thread alive while anybody waits. */
export class KeepAlive {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  begin(): void {
    if (++this.#count === 1) this.#timer = setInterval(() => {}, 2 ** 31 - 1);
  }

  end(): void {
    if (--this.#count === 0) clearInterval(this.#timer);
  }
}

/** What `get` says when its time is up. */
export const late: Failure = {
  code: "GET_TIMEOUT",
  message: "The values were not there within get()'s timeoutMs.",
  hint: "The tasks go on: get them again, or give more time.",
};

/** What `get` and `wait` say when their signal aborts. */
export function abandoned(signal: AbortSignal): RayflightError {
  return new RayflightError("CANCELLED", "The caller no longer waits.", {
    hint: "The tasks go on; use cancel() to withdraw them.",
    cause: signal.reason,
  });
}

/** Waits for `promise` no longer than the options say; returns whether it came in time. Throws CANCELLED. */
export async function within(
  promise: Promise<unknown>,
  { timeoutMs, signal }: Pick<GetOptions, "timeoutMs" | "signal">,
): Promise<boolean> {
  if (signal?.aborted) throw abandoned(signal);
  if (timeoutMs === undefined && signal === undefined) {
    await promise;
    return true;
  }
  if (timeoutMs === 0) return await Promise.race([promise.then(() => true), Promise.resolve(false).then(() => false)]);
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  const ends: Promise<boolean>[] = [promise.then(() => true)];
  if (timeoutMs !== undefined) {
    ends.push(
      new Promise((resolve) => {
        timer = setTimeout(() => resolve(false), Math.min(timeoutMs, 2 ** 31 - 1));
      }),
    );
  }
  if (signal !== undefined) {
    ends.push(
      new Promise((_, reject) => {
        abort = () => reject(abandoned(signal));
        signal.addEventListener("abort", abort, { once: true });
      }),
    );
  }
  try {
    return await Promise.race(ends);
  } finally {
    clearTimeout(timer);
    if (abort !== undefined) signal?.removeEventListener("abort", abort);
  }
}

/** The rest of `options` after some time has passed. */
export function remaining<O extends Pick<GetOptions, "timeoutMs">>(options: O, began: number): O {
  if (options.timeoutMs === undefined) return options;
  return { ...options, timeoutMs: Math.max(0, options.timeoutMs - (performance.now() - began)) };
}

/** The error of a `get` that was too late. */
export function lateError(): RayflightError {
  return toError(late);
}
