/**
 * Every way the engine can fail. The set is closed: a caller may switch over it, and a wire maps it in one table.
 */
export const errorCodes = [
  "INVALID_ARGUMENT",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "FAILED_PRECONDITION",
  "UNAUTHENTICATED",
  "UNAVAILABLE",
  "CANCELLED",
  "GET_TIMEOUT",
  "TASK_FAILED",
  "TASK_CANCELLED",
  "WORKER_DIED",
  "ACTOR_DIED",
  "ACTOR_UNAVAILABLE",
  "PENDING_CALLS_LIMIT",
  "OBJECT_LOST",
  "OBJECT_FREED",
  "OBJECT_STORE_FULL",
  "OUT_OF_DISK",
  "NOT_SERIALIZABLE",
  "DEVICE_UNAVAILABLE",
  "INTERNAL",
] as const;

/** One of `errorCodes`. */
export type ErrorCode = (typeof errorCodes)[number];

/** What an error says besides its message. */
export interface RayflightErrorOptions {
  /** What the reader should do next: one sentence, appended to the message. */
  hint?: string;
  /** What this error was made from. Kept in this thread; a wire carries only code, message and stack. */
  cause?: unknown;
}

/** The plain form in which an error crosses threads. */
export interface ErrorRecord {
  name: string;
  code: ErrorCode;
  message: string;
  stack: string;
}

const brand = Symbol.for("rayflight.error");

/**
 * The one error class of the engine.
 *
 * `message` says what happened and ends with a hint; `code` says which kind it is. `instanceof` holds across threads'
 * and packages' duplicate copies of this module, because it looks at a brand instead of the prototype.
 */
export class RayflightError extends Error {
  /** Which kind of error it is. */
  readonly code: ErrorCode;
  readonly [brand] = true;

  /** `message` says what happened, as a sentence; the hint is appended. */
  constructor(code: ErrorCode, message: string, options: RayflightErrorOptions = {}) {
    const text = options.hint === undefined ? message : `${message} ${options.hint}`;
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "RayflightError";
    this.code = code;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }

  /** Returns `reason` itself when it already is a RayflightError, else wraps it under `code` with `reason` as its cause. */
  static from(reason: unknown, code: ErrorCode = "INTERNAL"): RayflightError {
    if (reason instanceof RayflightError) return reason;
    if (reason instanceof Error) {
      const aborted = reason.name === "AbortError";
      return new RayflightError(aborted ? "CANCELLED" : code, reason.message, { cause: reason });
    }
    return new RayflightError(code, String(reason), { cause: reason });
  }

  /** The form that can be posted to another thread; `fromRecord` is its inverse. */
  toRecord(): ErrorRecord {
    return { name: this.name, code: this.code, message: this.message, stack: this.stack ?? this.message };
  }

  /** Rebuilds an error posted by another thread, with that thread's stack. */
  static fromRecord(record: ErrorRecord): RayflightError {
    const error = new RayflightError(record.code, record.message);
    error.stack = record.stack;
    return error;
  }
}
