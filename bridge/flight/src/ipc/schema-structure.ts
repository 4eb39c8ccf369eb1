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

/** Checks the structure of a schema table: every field's name, type, children and dictionary. Throws INVALID_ARGUMENT. */
export function checkSchema(schema: FlatTable): void {
  if (schema.int16(0) !== 0) throw malformed("is a schema of big-endian data, which is not read");
  for (const field of schema.tables(1)) checkField(field);
  schema.checkPairs(2);
  schema.vector(3, 8);
}

function checkField(field: FlatTable): void {
  field.checkString(0);
  field.uint8(1);
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
  checkParameters(name, parameters, children.length);
  const dictionary = field.table(4);
  if (dictionary !== undefined) {
    dictionary.int64(0);
    dictionary.uint8(2);
    dictionary.int16(3);
    const index = dictionary.table(1);
    if (index === undefined) throw malformed("has a dictionary without the type of its indices");
    checkInteger(index);
  }
  if (name === "map") checkEntries(children[0]!);
  for (const child of children) checkField(child);
  field.checkPairs(6);
}

function checkParameters(name: string, parameters: FlatTable, children: number): void {
  switch (name) {
    case "int":
      checkInteger(parameters);
      return;
    case "floating point":
      checkEnum(name, parameters.int16(0), 2);
      return;
    case "date":
      checkEnum(name, parameters.int16(0, 1), 1);
      return;
    case "time":
      checkEnum(name, parameters.int16(0, 1), 3);
      if (![32, 64].includes(parameters.int32(1, 32))) throw malformed("has a time of an unknown width");
      return;
    case "timestamp":
      checkEnum(name, parameters.int16(0), 3);
      parameters.checkString(1);
      return;
    case "interval":
      checkEnum(name, parameters.int16(0), 2);
      return;
    case "duration":
      checkEnum(name, parameters.int16(0, 1), 3);
      return;
    case "fixed size binary":
    case "fixed size list":
      if (parameters.int32(0) < 0) throw malformed(`has a field of type ${name} with a negative size`);
      return;
    case "decimal":
      checkDecimal(parameters.int32(0), parameters.int32(1), parameters.int32(2, 128));
      return;
    case "map":
      parameters.uint8(0);
      return;
    case "union":
      checkEnum(name, parameters.int16(0), 1);
      checkTypeIds(parameters.int32s(1), children);
      return;
    default:
  }
}

/** A map is a list of structs of a key and a value. */
function checkEntries(entries: FlatTable): void {
  if (types[entries.uint8(2)]?.[0] === "struct" && entries.tables(5).length === 2) return;
  throw malformed("has a map whose entries are not pairs");
}

/** The digits that decimals of each width hold. */
const digits = new Map([
  [32, 9],
  [64, 18],
  [128, 38],
  [256, 76],
]);

function checkDecimal(precision: number, scale: number, width: number): void {
  const most = digits.get(width);
  if (most === undefined) throw malformed(`has a decimal of ${width} bits`);
  if (precision < 1 || precision > most) {
    throw malformed(`has a decimal(${precision}, ${scale}) of ${width} bits, which hold 1 to ${most} digits`);
  }
}

function checkEnum(name: string, value: number, last: number): void {
  if (value < 0 || value > last) throw malformed(`has a field of type ${name} in the unknown variant ${value}`);
}

function checkTypeIds(ids: readonly number[], children: number): void {
  if (ids.length !== 0 && ids.length !== children) {
    throw malformed(`has a union of ${children} children with ${ids.length} type ids`);
  }
  if (children > 128 || new Set(ids).size !== ids.length || ids.some((id) => id < 0 || id > 127)) {
    throw malformed("has a union whose type ids are not distinct numbers from 0 to 127");
  }
}

function checkInteger(integer: FlatTable): void {
  integer.uint8(1);
  if (![8, 16, 32, 64].includes(integer.int32(0))) throw malformed(`has an integer of ${integer.int32(0)} bits`);
}
