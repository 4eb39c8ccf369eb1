import { DataType, type Field, type Schema } from "apache-arrow";
import * as ipc from "arrow-flight-node/ipc";
import { RayflightError } from "../error.js";
import { reading } from "./failure.js";

/** The schema of a schema message (its flatbuffer, without prefix). Throws INVALID_ARGUMENT. */
export function decodeSchema(header: Uint8Array): Schema {
  return reading(() => ipc.decodeSchema(header));
}

/** The schema message (its flatbuffer, without prefix) for a schema. */
export function encodeSchema(schema: Schema): Uint8Array {
  return ipc.encodeSchema(schema);
}

/** Throws INVALID_ARGUMENT unless the bytes are a well-formed schema message. */
export function checkSchema(header: Uint8Array): void {
  const { kind } = reading(() => ipc.readMessage(header));
  if (kind === "schema") return;
  throw new RayflightError("INVALID_ARGUMENT", `A ${kind} came where a schema belongs.`, {
    hint: "Send the schema as the first message.",
  });
}

/** The first field in which two schemas differ, each side in words. */
export interface SchemaDifference {
  readonly field: string;
  readonly left: string;
  readonly right: string;
}

/**
 * Compares two schema messages by the names, types and nullability of their fields, in order; metadata may differ. Returns the first
 * difference. Types that read alike but are encoded differently, such as lists and list views, differ.
 */
export function schemaDifference(left: Uint8Array, right: Uint8Array): SchemaDifference | undefined {
  if (Buffer.compare(left, right) === 0) return undefined;
  let ours: Schema;
  let theirs: Schema;
  try {
    ours = ipc.decodeSchema(left);
    theirs = ipc.decodeSchema(right);
  } catch {
    return { field: "(a type that is compared byte for byte)", left: "other bytes", right: "other bytes" };
  }
  for (let i = 0; i < Math.max(ours.fields.length, theirs.fields.length); i++) {
    const difference = fieldDifference(ours.fields[i], theirs.fields[i]);
    if (difference !== undefined) return difference;
  }
  // Columns that read alike, such as lists and list views, may lie differently in messages.
  if (ipc.equalLayouts(ours, theirs)) return undefined;
  return { field: "(how a column is encoded)", left: "one way", right: "another" };
}

function fieldDifference(left: Field | undefined, right: Field | undefined): SchemaDifference | undefined {
  const [ours, theirs] = [describe(left), describe(right)];
  if (ours === theirs) return undefined;
  return { field: (left ?? right)!.name, left: ours, right: theirs };
}

function describe(field: Field | undefined): string {
  return field === undefined ? "nothing" : `"${field.name}" ${describeType(field)}`;
}

/** Children of a list have names of no meaning ("item", "element"); those of a struct are part of its type. */
function describeType({ type, nullable }: Field): string {
  let text = typeName(type);
  if (DataType.isDictionary(type)) text += ` (dictionary ${type.id})`;
  else if (DataType.isStruct(type) || DataType.isUnion(type)) text += `{${type.children.map(describe).join(", ")}}`;
  else if (type.children?.length) text += `<${type.children.map(describeType).join(", ")}>`;
  return nullable ? text : `${text} not null`;
}

function typeName(type: DataType): string {
  if (DataType.isInt(type)) return `${type.isSigned ? "int" : "uint"}${type.bitWidth}`;
  if (DataType.isFloat(type)) return ["float16", "float32", "float64"][type.precision]!;
  if (DataType.isUtf8(type)) return "string";
  if (DataType.isDecimal(type)) return `decimal${type.bitWidth}(${type.precision}, ${type.scale})`;
  if (DataType.isFixedSizeList(type)) return `list of ${type.listSize}`;
  if (DataType.isStruct(type)) return "struct";
  if (DataType.isUnion(type)) return "union";
  if (DataType.isMap(type)) return "map";
  if (DataType.isList(type)) return "list";
  return String(type).toLowerCase();
}
