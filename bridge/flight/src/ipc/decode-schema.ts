import { Message, type Schema } from "apache-arrow";
import { FlightError } from "../error.js";
import { planSchema, type SchemaPlan, standIns } from "./column-plan.js";
import { FlatTable, malformed } from "./flatbuffer.js";
import { readMessage } from "./read-message.js";

/** Schemas remember how their columns lie in messages: the types as which they read do not tell. */
const plans = new WeakMap<Schema, SchemaPlan>();

/**
 * The schema of a schema message's header, in the types as which its batches read: list views as lists, run-end encoded columns as
 * columns of their values, dictionary indices of 64 bits as Int32. Throws INVALID_ARGUMENT for other messages.
 */
export function decodeSchema(header: Uint8Array): Schema {
  return decodePlan(header).schema;
}

/** How the columns of `schema` lie in messages. A schema that decodeSchema did not make has no types but apache-arrow's own. */
export function planOf(schema: Schema | Uint8Array): SchemaPlan {
  if (schema instanceof Uint8Array) return decodePlan(schema);
  const plan = plans.get(schema) ?? planSchema(schema);
  plans.set(schema, plan);
  return plan;
}

/** Whether messages of the one schema are laid out as those of the other: types and layouts agree, names and nullability may not. */
export function equalLayouts(left: Schema | Uint8Array, right: Schema | Uint8Array): boolean {
  return layoutText(planOf(left)) === layoutText(planOf(right));
}

function layoutText({ columns, dictionaries }: SchemaPlan): string {
  return JSON.stringify([columns, [...dictionaries]], (key, value: unknown) =>
    key === "name" ? undefined : key === "type" || key === "arrayType" ? String(value) : value,
  );
}

function decodePlan(header: Uint8Array): SchemaPlan {
  const { kind } = readMessage(header);
  if (kind !== "schema") throw malformed(`is a ${kind} where a schema belongs`);
  const tables = FlatTable.root(header).table(2)!.tables(1);
  const places = tables.flatMap((table) => [...standInPlaces(table)]);
  const readable = places.length === 0 ? header : new Uint8Array(header);
  for (const [at, number] of places) readable[at] = number;
  // In a hostile header the bytes that were replaced may be part of something else, too.
  if (places.length > 0) readMessage(readable);
  const plan = planSchema(decodeKnown(readable), places.length === 0 ? [] : tables);
  plans.set(plan.schema, plan);
  return plan;
}

/** Where the number of a type stands that apache-arrow lacks, and what to write there. */
function* standInPlaces(field: FlatTable): Generator<[at: number, number: number]> {
  const number = standIns.get(field.uint8(2));
  if (number !== undefined) yield [field.positionOf(2), number];
  for (const child of field.tables(5)) yield* standInPlaces(child);
}

function decodeKnown(header: Uint8Array): Schema {
  try {
    return Message.decode(header).header() as Schema;
  } catch (cause) {
    throw new FlightError("UNIMPLEMENTED", `The schema cannot be read: ${FlightError.from(cause).message}.`, {
      hint: "Pass its messages on undecoded, or have the writer use another type.",
      cause,
    });
  }
}
