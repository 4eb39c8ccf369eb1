import { DataType, Field, Schema, type TypeMap } from "apache-arrow";
import { FlightError } from "./error.js";
import { encodeSchema } from "./ipc/batch-encoder.js";
import { decodeSchema } from "./ipc/decode-schema.js";
import { decapsulateSchema, encapsulateSchema } from "./ipc/encapsulate.js";

/** The columns of a schema that nobody has looked at: whatever one asks for, as in apache-arrow's own types. */
export type AnyColumns = Schema extends Schema<infer T> ? T : never;

/**
 * A schema whose type says what its columns are, for `expect` and for `encodeBatches`: `schemaOf({ hour: new Int32(), load: new Float64() })`.
 * Its columns may hold nulls; for others make apache-arrow's `Schema`.
 */
export function schemaOf<T extends TypeMap>(columns: T): Schema<T> {
  return new Schema<T>(Object.entries(columns).map(([name, type]) => Field.new(name, type as T[keyof T], true)));
}

/** A schema as FlightInfo and GetSchema carry it: an encapsulated IPC message. */
export function packSchema(schema: Schema): Uint8Array {
  return encapsulateSchema(encodeSchema(schema));
}

/** The inverse of packSchema, for what any implementation sends. Throws INVALID_ARGUMENT for bytes that are no schema message. */
export function unpackSchema(bytes: Uint8Array): Schema {
  return decodeSchema(decapsulateSchema(bytes));
}

/**
 * Returns `schema` as one of the columns that are expected. Throws INVALID_ARGUMENT, naming the first difference, when it has other
 * columns: in name, order or type, or with nulls where none are expected. What metadata say is not compared.
 */
export function requireSchema<T extends TypeMap>(schema: Schema, expected: Schema<T>): Schema<T> {
  const difference = differenceOf(schema, expected);
  if (difference === undefined) return schema;
  throw new FlightError("INVALID_ARGUMENT", `The stream has another schema than is expected: ${difference}.`, {
    hint: "Have its sender make these columns, or expect what it sends.",
  });
}

/** In what `given` differs from `expected`; undefined where batches of the one will do for the other. Whether columns may hold `nulls` counts or not. */
export function differenceOf(given: Schema, expected: Schema, { nulls = true } = {}): string | undefined {
  for (const [index, { name, type, nullable }] of expected.fields.entries()) {
    const field = given.fields[index];
    if (field === undefined) return `it has no column "${name}"`;
    if (field.name !== name) return `its column ${index} is "${field.name}" and not "${name}"`;
    if (!equalTypes(field.type, type)) return `its column "${name}" is ${field.type} and not ${type}`;
    if (nulls && field.nullable && !nullable) return `its column "${name}" may hold nulls`;
  }
  const more = given.fields[expected.fields.length];
  return more === undefined ? undefined : `it has the column "${more.name}", too`;
}

/** Whether values of the one type read as those of the other. What lists and maps call their items does not count. */
function equalTypes(left: DataType, right: DataType): boolean {
  if (left.typeId !== right.typeId) return false;
  if (DataType.isDictionary(left) && DataType.isDictionary(right)) {
    return equalTypes(left.indices, right.indices) && equalTypes(left.dictionary, right.dictionary);
  }
  const [children, others]: [Field[], Field[]] = [left.children ?? [], right.children ?? []];
  if (children.length === 0) return sizesOf(left) === sizesOf(right) && String(left) === String(right);
  const named = DataType.isStruct(left) || DataType.isUnion(left);
  return (
    children.length === others.length &&
    sizesOf(left) === sizesOf(right) &&
    children.every(({ name, type }, i) => (!named || name === others[i]!.name) && equalTypes(type, others[i]!.type))
  );
}

/** What a type's own text leaves out. */
function sizesOf(type: DataType): string {
  if (DataType.isDecimal(type)) return `${type.bitWidth}`;
  if (DataType.isFixedSizeList(type)) return `${type.listSize}`;
  if (DataType.isUnion(type)) return `${type.mode} ${[...type.typeIds]}`;
  return "";
}
