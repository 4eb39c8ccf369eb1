import { FlightError, type FlightErrorCode } from "arrow-flight-node";
import { type ErrorCode, errorCodes, RayflightError } from "../../src/error.js";

/** How the engine's errors look to a Flight client: the one table of this edge. */
const statusOf: Readonly<Record<ErrorCode, FlightErrorCode>> = {
  INVALID_ARGUMENT: "INVALID_ARGUMENT",
  NOT_FOUND: "NOT_FOUND",
  ALREADY_EXISTS: "ALREADY_EXISTS",
  FAILED_PRECONDITION: "FAILED_PRECONDITION",
  UNAUTHENTICATED: "UNAUTHENTICATED",
  UNAVAILABLE: "UNAVAILABLE",
  CANCELLED: "CANCELLED",
  GET_TIMEOUT: "DEADLINE_EXCEEDED",
  TASK_FAILED: "ABORTED",
  TASK_CANCELLED: "CANCELLED",
  WORKER_DIED: "ABORTED",
  ACTOR_DIED: "ABORTED",
  ACTOR_UNAVAILABLE: "ABORTED",
  PENDING_CALLS_LIMIT: "RESOURCE_EXHAUSTED",
  OBJECT_LOST: "DATA_LOSS",
  OBJECT_FREED: "NOT_FOUND",
  OBJECT_STORE_FULL: "RESOURCE_EXHAUSTED",
  OUT_OF_DISK: "RESOURCE_EXHAUSTED",
  NOT_SERIALIZABLE: "INVALID_ARGUMENT",
  DEVICE_UNAVAILABLE: "FAILED_PRECONDITION",
  INTERNAL: "INTERNAL",
};

/** The status that a failed call ends with. */
export function toFlightError(reason: unknown): FlightError {
  if (reason instanceof FlightError) return reason;
  const error = RayflightError.from(reason);
  return new FlightError(statusOf[error.code], error.message, { cause: error });
}

/** Runs a unary handler, so that what it throws arrives as a Flight status. */
export async function answering<T>(handler: () => T | Promise<T>): Promise<T> {
  try {
    return await handler();
  } catch (reason) {
    throw toFlightError(reason);
  }
}

/** Runs a streaming handler, so that what it throws arrives as a Flight status. */
export async function* streaming<T>(handler: () => AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* handler();
  } catch (reason) {
    throw toFlightError(reason);
  }
}

/** The other way, for what the Flight server itself refuses: codes of the same name stay, others become INTERNAL. */
export function fromFlightError(reason: unknown): RayflightError {
  if (!(reason instanceof FlightError)) return RayflightError.from(reason);
  const code = errorCodes.find((known) => known === reason.code) ?? "INTERNAL";
  return new RayflightError(code, reason.message, { cause: reason });
}
