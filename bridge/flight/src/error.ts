import { inspect } from "node:util";

/** Every way a call can fail: gRPC's status names without OK. The set is closed: a caller may switch over it. */
export const flightErrorCodes = [
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
] as const;

/** One of gRPC's status names, but OK. */
export type FlightErrorCode = (typeof flightErrorCodes)[number];

/** What an error carries besides its message. */
export interface FlightErrorOptions {
  /** What the reader should do next: one sentence, appended to the message. */
  hint?: string | undefined;
  /** What this error was made from. It stays in this process; the wire carries code, message and details. */
  cause?: unknown;
  /** Bytes for the peer's program, sent as `grpc-status-details-bin`. */
  details?: Uint8Array | undefined;
}

const brand = Symbol.for("arrow-flight-node.error");

/**
 * The one error class of this package.
 *
 * A handler that throws one answers with its code and message; a client's call rejects with one. `instanceof` looks at a
 * brand, so that it holds across duplicate copies of the package.
 */
export class FlightError extends Error {
  /** What kind of failure it is, for programs. */
  readonly code: FlightErrorCode;
  /** Bytes for programs, from a handler or from the peer: `grpc-status-details-bin`, pyarrow's `extra_info`. */
  readonly details: Uint8Array | undefined;
  readonly [brand] = true;

  /** `message` says what is wrong; `options.hint`, which follows it, what to do. */
  constructor(code: FlightErrorCode, message: string, options: FlightErrorOptions = {}) {
    const text = options.hint === undefined ? message : `${message} ${options.hint}`;
    super(text, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "FlightError";
    this.code = code;
    this.details = options.details;
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && brand in value;
  }

  /**
   * Returns `reason` itself when it already is a FlightError, else wraps it with `reason` as its cause: an abort becomes
   * CANCELLED, a timeout DEADLINE_EXCEEDED, anything else `code`.
   */
  static from(reason: unknown, code: FlightErrorCode = "INTERNAL"): FlightError {
    if (reason instanceof FlightError) return reason;
    if (!(reason instanceof Error)) {
      // Not every value has a string.
      return new FlightError(code, typeof reason === "string" ? reason : inspect(reason), { cause: reason });
    }
    if (reason.name === "AbortError") return new FlightError("CANCELLED", reason.message, { cause: reason });
    if (reason.name === "TimeoutError") return new FlightError("DEADLINE_EXCEEDED", reason.message, { cause: reason });
    return new FlightError(code, reason.message, { cause: reason });
  }
}
