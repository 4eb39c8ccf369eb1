import type { StoredValue } from "../../store/value.js";
import type { Failure } from "../failure.js";
import { formatObjectId } from "../object-ref.js";
import { type Argument, isReference } from "../protocol.js";
import type { ObjectId } from "../scheduler/events.js";
import type { ObjectTable } from "./object-table.js";
import { dependenciesOf } from "./records.js";
import { freed } from "./requests.js";

/** Which arguments are not there yet, and the failure of the first that will never be. */
export function examineArguments(
  objects: ObjectTable,
  args: readonly Argument[],
): { pending: ObjectId[]; failure: Failure | undefined } {
  const pending: ObjectId[] = [];
  for (const id of dependenciesOf(args)) {
    const entry = objects.get(id);
    if (entry === undefined) return { pending, failure: freed(formatObjectId(id)) };
    if (entry.outcome === undefined) pending.push(id);
    else if ("failure" in entry.outcome) return { pending, failure: entry.outcome.failure };
  }
  return { pending, failure: undefined };
}

/** The arguments with each reference replaced by its value; a failure when one was freed meanwhile. */
export function resolveArguments(
  objects: ObjectTable,
  args: readonly Argument[],
): { values: StoredValue[]; failure: Failure | undefined } {
  const values: StoredValue[] = [];
  for (const argument of args) {
    if (!isReference(argument)) {
      values.push(argument);
      continue;
    }
    const outcome = objects.get(argument.ref)?.outcome;
    if (outcome === undefined || "failure" in outcome) return { values, failure: failureOf(objects, argument.ref) };
    values.push(outcome.value);
  }
  return { values, failure: undefined };
}

/** Why an object has no value. */
export function failureOf(objects: ObjectTable, object: ObjectId): Failure {
  const outcome = objects.get(object)?.outcome;
  return outcome !== undefined && "failure" in outcome ? outcome.failure : freed(formatObjectId(object));
}
