import type { Failure } from "../failure.js";
import { formatObjectId } from "../object-ref.js";
import { type Argument, isReference } from "../protocol.js";
import type { ObjectId, WorkerId } from "../scheduler/events.js";
import type { ObjectTable } from "./object-table.js";
import { freed } from "./reasons.js";
import { dependenciesOf } from "./records.js";
import type { Reading } from "./requests.js";
import type { StoredValues } from "./stored-values.js";

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

/** The arguments with each reference replaced by its value, for a worker; a failure when one was freed meanwhile. */
export function readArguments(
  values: StoredValues,
  worker: WorkerId,
  args: readonly Argument[],
): Reading | Promise<Reading> {
  const fill = (reading: Reading): Reading => {
    if (!("values" in reading)) return reading;
    let next = 0;
    return { values: args.map((argument) => (isReference(argument) ? reading.values[next++] : argument)) };
  };
  const reading = values.read(worker, dependenciesOf(args));
  return reading instanceof Promise ? reading.then(fill) : fill(reading);
}

/** Why an object has no value. */
export function failureOf(objects: ObjectTable, object: ObjectId): Failure {
  const outcome = objects.get(object)?.outcome;
  return outcome !== undefined && "failure" in outcome ? outcome.failure : freed(formatObjectId(object));
}
