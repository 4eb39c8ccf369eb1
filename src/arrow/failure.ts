import { RayflightError } from "../error.js";

/** Runs `read` on bytes that came from outside: what it throws becomes an INVALID_ARGUMENT of the engine. */
export function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (reason) {
    throw RayflightError.from(reason, "INVALID_ARGUMENT");
  }
}
