import { type FlatTable, malformed } from "./flatbuffer.js";

/** The types of Arrow's Schema.fbs by number, and how many children each has: a number, or "any". */
const types: readonly (readonly [name: string, children: number | "any"])[] = [
  ["none", 0],
  ["null", 0],
  ["int", 0],
  ["floating point", 0],
  ["binary", 0],
  ["utf8", 0],
  ["bool", 0],
  ["decimal", 0],
  ["date", 0],
  ["time", 0],
  ["timestamp", 0],
  ["interval", 0],
  ["list", 1],
  ["struct", "any"],
  ["union", "any"],
  ["fixed size binary", 0],
  ["fixed size list", 1],
  ["map", 1],
  ["duration", 0],
  ["large binary", 0],
  ["large utf8", 0],
  ["large list", 1],
  ["run-end encoded", 2],
  ["binary view", 0],
  ["utf8 view", 0],
  ["list view", 1],
  ["large list view", 1],
];

/**
 * Checks the structure of a schema table: every field's name, type, parameters, children and dictionary, and that columns which
 * share a dictionary agree on its type. Throws INVALID_ARGUMENT.
 */
export function checkSchema(schema: FlatTable): void {
  if (schema.int16(0) !== 0) throw malformed("is a schema of big-endian data, which is not read");
  if (!schema.has(1)) throw malformed("is a schema without fields");
  const dictionaries = new Map<bigint, string>();
  for (const field of schema.tables(1)) checkField(field, dictionaries);
  schema.keys(2);
  schema.vector(3, 8);
}

/** Returns the field's type in words that are the same for equal types only. */
function checkField(field: FlatTable, dictionaries: Map<bigint, string>): string {
  const nameOfField = field.string(0);
  const nullable = field.uint8(1);
  const number = field.uint8(2);
  const type = types[number];
  if (type === undefined || number === 0) throw malformed(`has a field of the unknown type ${number}`);
  const [name, expected] = type;
  const children = field.tables(5);
  if (expected !== "any" && children.length !== expected) {
    throw malformed(`has a field of type ${name} with ${children.length} children instead of ${expected}`);
  }
  const parameters = field.table(3);
  if (parameters === undefined) throw malformed(`has a field of type ${name} without its parameters`);
  const given = checkParameters(name, parameters, children.length);
  if (name === "map") checkEntries(children[0]!);
  field.keys(6);
  const inner = children.map((child) => checkField(child, dictionaries));
  const text = JSON.stringify([nameOfField, nullable, name, given, inner]);
  const dictionary = field.table(4);
  if (dictionary === undefined) return text;
  const values = JSON.stringify([name, given, inner]);
  const id = dictionary.int64(0);
  if ((dictionaries.get(id) ?? values) !== values) throw malformed(`has different types for the dictionary ${id}`);
  dictionaries.set(id, values);
  return `${checkDictionary(dictionary)} ${text}`;
}

function checkDictionary(dictionary: FlatTable): string {
  const ordered = dictionary.uint8(2);
  dictionary.int16(3);
  const index = dictionary.table(1);
  if (index === undefined) throw malformed("has a dictionary without the type of its indices");
  return `${ordered} ${checkInteger(index)}`;
}

/** Returns the parameters that make the type. */
function checkParameters(name: string, parameters: FlatTable, children: number): readonly (number | string)[] {
  switch (name) {
    case "int":
      return checkInteger(parameters);
    case "floating point":
    case "interval":
      return [checkEnum(name, parameters.int16(0), 2)];
    case "date":
      return [checkEnum(name, parameters.int16(0, 1), 1)];
    case "duration":
      return [checkEnum(name, parameters.int16(0, 1), 3)];
    case "time": {
      const unit = checkEnum(name, parameters.int16(0, 1), 3);
      if (parameters.int32(1, 32) !== (unit < 2 ? 32 : 64)) throw malformed("has a time whose width is not its unit's");
      return [unit];
    }
    case "timestamp":
      return [checkEnum(name, parameters.int16(0), 3), parameters.string(1)];
    case "fixed size binary":
    case "fixed size list": {
      const size = parameters.int32(0);
      if (size < 0) throw malformed(`has a field of type ${name} with a negative size`);
      // pyarrow counts a value's bits in 31 bits.
      if (name === "fixed size binary" && size >= 1 << 28) throw malformed(`has values of ${size} bytes each`);
      return [size];
    }
    case "decimal":
      return checkDecimal(parameters.int32(0), parameters.int32(1), parameters.int32(2, 128));
    case "map":
      return [parameters.uint8(0)];
    case "union": {
      const ids = parameters.int32s(1);
      if (parameters.has(1)) checkTypeIds(ids, children);
      return [checkEnum(name, parameters.int16(0), 1), ...ids];
    }
    default:
      return [];
  }
}

/** A map is a list of structs of a key and a value, of which only the value may be null. */
function checkEntries(entries: FlatTable): void {
  const pair = entries.tables(5);
  const struct = types[entries.uint8(2)]?.[0] === "struct" && pair.length === 2;
  if (!struct || entries.uint8(1) !== 0 || pair[0]!.uint8(1) !== 0) {
    throw malformed("has a map whose entries are not pairs, or are nullable, or their keys");
  }
}

/** The digits that decimals of each width hold. */
const digits = new Map([
  [32, 9],
  [64, 18],
  [128, 38],
  [256, 76],
]);

function checkDecimal(precision: number, scale: number, width: number): number[] {
  const most = digits.get(width);
  if (most === undefined) throw malformed(`has a decimal of ${width} bits`);
  if (precision < 1 || precision > most) {
    throw malformed(`has a decimal(${precision}, ${scale}) of ${width} bits, which hold 1 to ${most} digits`);
  }
  return [precision, scale, width];
}

function checkEnum(name: string, value: number, last: number): number {
  if (value < 0 || value > last) throw malformed(`has a field of type ${name} in the unknown variant ${value}`);
  return value;
}

function checkTypeIds(ids: readonly number[], children: number): void {
  if (ids.length !== children) throw malformed(`has a union of ${children} children with ${ids.length} type ids`);
  if (children > 128 || new Set(ids).size !== ids.length || ids.some((id) => id < 0 || id > 127)) {
    throw malformed("has a union whose type ids are not distinct numbers from 0 to 127");
  }
}

function checkInteger(integer: FlatTable): number[] {
  const width = integer.int32(0);
  if (![8, 16, 32, 64].includes(width)) throw malformed(`has an integer of ${width} bits`);
  return [width, integer.uint8(1)];
}
