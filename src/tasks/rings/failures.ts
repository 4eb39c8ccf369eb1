import { deserialize, serialize } from "node:v8";
import type { StoredValue } from "../../store/value.js";
import { isPrimitive } from "../../store/value-survey.js";
import type { Failure } from "../failure.js";

/** A failure as a stored value, for a result record. */
export function packFailure(failure: Failure): StoredValue {
  return { bytes: serialize(failure) };
}

/** The inverse of `packFailure`. */
export function unpackFailure(stored: StoredValue): Failure {
  if (isPrimitive(stored)) throw new TypeError("A failure is no primitive.");
  return deserialize(stored.bytes) as Failure;
}
