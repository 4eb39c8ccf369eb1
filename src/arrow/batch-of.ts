import {
  Bool,
  type Data,
  DataType,
  Field,
  type Float,
  Float32,
  Float64,
  type Int,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Uint8,
  Uint16,
  Uint32,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { RayflightError } from "../error.js";
import type { NumericArray } from "./columns.js";

/** One column: a typed array, or a plain array of numbers, bigints, strings or booleans. No nulls. */
export type ColumnValues =
  | NumericArray
  | BigInt64Array
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | readonly boolean[];

/** Columns of equal length, by name. */
export type Columns = Readonly<Record<string, ColumnValues>>;

/** The types that a column can be declared with. */
export type ColumnKind = "int32" | "int64" | "float32" | "float64" | "string" | "bool";

const kinds = {
  int32: () => new Int32(),
  int64: () => new Int64(),
  float32: () => new Float32(),
  float64: () => new Float64(),
  string: () => new Utf8(),
  bool: () => new Bool(),
} satisfies Record<ColumnKind, () => DataType>;

/** A schema of columns that are never null. */
export function schemaOf(
  columns: Readonly<Record<string, ColumnKind>>,
  metadata?: Readonly<Record<string, string>>,
): Schema {
  const fields = Object.entries(columns).map(([name, kind]) => new Field(name, kinds[kind](), false));
  return new Schema(fields, new Map(Object.entries(metadata ?? {})));
}

/** The schema that `columns` have by themselves: numbers are float64, bigints int64. An empty plain array has none: INVALID_ARGUMENT. */
export function inferSchema(columns: Columns, metadata?: Readonly<Record<string, string>>): Schema {
  const fields = Object.entries(columns).map(([name, values]) => new Field(name, inferType(name, values), false));
  return new Schema(fields, new Map(Object.entries(metadata ?? {})));
}

/**
 * A record batch over the columns' own memory: typed arrays are not copied. With `schema`, each of its fields must be
 * given and fit its type: a typed array exactly, plain numbers when nothing is lost. Throws INVALID_ARGUMENT otherwise.
 */
export function batchFromColumns(columns: Columns, schema: Schema = inferSchema(columns)): RecordBatch {
  const rows = Object.values(columns)[0]?.length ?? 0;
  for (const name of Object.keys(columns)) {
    if (!schema.fields.some((field) => field.name === name)) {
      throw invalid(
        `There is no column "${name}" in the schema.`,
        `It has: ${schema.fields.map((f) => f.name).join(", ")}.`,
      );
    }
  }
  const children = schema.fields.map(({ name, type }) => {
    const values = columns[name];
    if (values === undefined) throw invalid(`The column "${name}" is missing.`, "Give every column of the schema.");
    if (values.length !== rows) {
      throw invalid(`The column "${name}" has ${values.length} rows where others have ${rows}.`, "Give equal lengths.");
    }
    return columnData(name, type, values);
  });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: rows, nullCount: 0, children }));
}

function columnData(name: string, type: DataType, values: ColumnValues): Data {
  const refuse = (what: string, hint: string) => invalid(`The column "${name}" is ${type}, and ${what}.`, hint);
  if (DataType.isInt(type) || DataType.isFloat(type)) {
    if (ArrayBuffer.isView(values) && !(values instanceof type.ArrayType)) {
      throw refuse(`a ${values.constructor.name} was given`, "Convert it first.");
    }
    const data = ArrayBuffer.isView(values) ? values : pack(type, values);
    if (ArrayBuffer.isView(data)) return makeData({ type, length: values.length, nullCount: 0, data } as Packed);
    throw refuse(`${show(data.misfit)} does not fit`, "Declare another type.");
  }
  const expected = DataType.isBool(type) ? "boolean" : "string";
  const misfit = (values as readonly unknown[]).findIndex((value) => typeof value !== expected);
  if (misfit !== -1) throw refuse(`${show(values[misfit])} does not fit`, "Declare another type.");
  const [data] = vectorFromArray(values as readonly string[], type as Utf8).data;
  return data ?? makeData({ type: type as Utf8, length: 0 });
}

type Packed = Parameters<typeof makeData>[0];

/** The values in the type's own array; or the first of them that would change. A float may be rounded to its precision. */
function pack(type: Int | Float, values: readonly unknown[]): NumericArray | BigInt64Array | { misfit: unknown } {
  const wide = DataType.isInt(type) && type.bitWidth === 64;
  const misfit = values.findIndex((value) => typeof value !== (wide ? "bigint" : "number"));
  if (misfit !== -1) return { misfit: values[misfit] };
  const packed = (type.ArrayType as Int32ArrayConstructor).from(values as readonly number[]);
  const changed = DataType.isFloat(type) ? -1 : packed.findIndex((value, i) => value !== values[i]);
  return changed === -1 ? packed : { misfit: values[changed] };
}

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}

function inferType(name: string, values: ColumnValues): DataType {
  if (values instanceof Float64Array) return new Float64();
  if (values instanceof Float32Array) return new Float32();
  if (values instanceof Int32Array) return new Int32();
  if (values instanceof Int16Array) return new Int16();
  if (values instanceof Int8Array) return new Int8();
  if (values instanceof Uint32Array) return new Uint32();
  if (values instanceof Uint16Array) return new Uint16();
  if (values instanceof Uint8Array) return new Uint8();
  if (values instanceof BigInt64Array) return new Int64();
  const kind = ({ number: "float64", bigint: "int64", string: "string", boolean: "bool" } as const)[
    typeof values[0] as "number"
  ];
  if (kind === undefined)
    throw invalid(`The type of the column "${name}" is unknown.`, "Use a typed array, or give a schema.");
  return kinds[kind]();
}

function invalid(message: string, hint: string): RayflightError {
  return new RayflightError("INVALID_ARGUMENT", message, { hint });
}
