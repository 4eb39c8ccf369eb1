import {
  DataType,
  Dictionary,
  Field,
  FixedSizeList,
  Int32,
  LargeList,
  List,
  Map_,
  Schema,
  Struct,
  Type,
  Union,
  UnionMode,
} from "apache-arrow";
import { FlightError } from "../error.js";
import { DecimalWords } from "./decimal-words.js";
import { type FlatTable, malformed } from "./flatbuffer.js";

/** The constructor of a column's values, such as Float64Array. */
export type ArrayType = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => ArrayBufferView;

/** How a column lies in a message. What a schema fixes is decided once, here, and not with every batch. */
export type Layout =
  | "null"
  | "fixed"
  | "bool"
  | "bytes"
  | "views"
  | "list"
  | "listView"
  | "fixedSizeList"
  | "struct"
  | "sparseUnion"
  | "denseUnion"
  | "runEnds"
  | "wideIndex";

/** One column, or one that another holds: how it lies in a message, and the type as which it reads. */
export interface ColumnPlan {
  /** Names from the outermost column inwards, joined by dots: what errors call it. */
  readonly name: string;
  readonly type: DataType;
  readonly layout: Layout;
  /** Bytes a row, where rows have one fixed width: of the values, or of an index. */
  readonly width: number;
  readonly arrayType: ArrayType;
  /** Whether offsets have 64 bits. */
  readonly large: boolean;
  /** Whether values have to be UTF-8. */
  readonly text: boolean;
  readonly children: readonly ColumnPlan[];
}

/** A schema as its batches read, and how its columns and its dictionaries, by id, lie in messages. */
export interface SchemaPlan {
  readonly schema: Schema;
  readonly columns: readonly ColumnPlan[];
  readonly dictionaries: ReadonlyMap<number, ColumnPlan>;
}

/** Types by their number in Schema.fbs that apache-arrow lacks, and the one of the same structure that stands for each. */
export const standIns: ReadonlyMap<number, number> = new Map([
  [22, 13], // run-end encoded: struct
  [25, 12], // list view: list
  [26, 21], // large list view: large list
]);
const runEndEncoded = 22;
const listViews = [25, 26];

/**
 * Plans the columns of `schema`. `tables` are its fields as they came, where `schema` has stand-ins for types that apache-arrow
 * lacks: list views read as lists, run-end encoded columns as columns of their values, and dictionary indices of 64 bits as
 * Int32. Throws INVALID_ARGUMENT for run ends that are no integers, UNIMPLEMENTED for dictionaries of dictionaries.
 */
export function planSchema(schema: Schema, tables: readonly FlatTable[] = []): SchemaPlan {
  const planner = new Planner();
  const planned = schema.fields.map((field, i) => planner.field(field, tables[i], ""));
  const changed = planned.some(({ field }, i) => field !== schema.fields[i]);
  return {
    schema: changed
      ? new Schema(
          planned.map(({ field }) => field),
          schema.metadata,
          new Map([...planner.dictionaries].map(([id, { type }]) => [id, type])),
          schema.metadataVersion,
        )
      : schema,
    columns: planned.map(({ plan }) => plan),
    dictionaries: planner.dictionaries,
  };
}

interface Planned {
  field: Field;
  plan: ColumnPlan;
}

class Planner {
  readonly dictionaries = new Map<number, ColumnPlan>();

  field(field: Field, table: FlatTable | undefined, parent: string): Planned {
    // apache-arrow's types leave out that a schema may have a field without a name.
    const own = (field.name as string | null) ?? "";
    const name = parent === "" ? own : `${parent}.${own}`;
    const { type } = field;
    const plan = DataType.isDictionary(type) ? this.#dictionary(type, table, name) : this.#plain(type, table, name);
    if (plan.type === type && own === field.name) return { field, plan };
    const nullable = field.nullable || plan.layout === "runEnds";
    return { field: new Field(own, plan.type, nullable, field.metadata), plan };
  }

  /** A dictionary that several columns share was planned with the first of them. */
  #dictionary(type: Dictionary, table: FlatTable | undefined, name: string): ColumnPlan {
    const known = this.dictionaries.get(type.id);
    const values = known ?? this.#plain(type.dictionary, table, name);
    if (DataType.isDictionary(values.type)) {
      throw new FlightError("UNIMPLEMENTED", `The column "${name}" is a dictionary of run-end encoded dictionaries.`, {
        hint: "Pass its messages on undecoded, or have the writer use another type.",
      });
    }
    this.dictionaries.set(type.id, values);
    // apache-arrow's types leave out the indices of 64 bits that its schemas have.
    const wide = (type.indices.bitWidth as number) === 64;
    const own =
      wide || values.type !== type.dictionary
        ? new Dictionary(values.type, wide ? new Int32() : type.indices, type.id, type.isOrdered)
        : type;
    const width = type.indices.bitWidth / 8;
    const arrayType = type.indices.ArrayType as ArrayType;
    return {
      name,
      type: own,
      layout: wide ? "wideIndex" : "fixed",
      width,
      arrayType,
      large: false,
      text: false,
      children: [],
    };
  }

  #plain(type: DataType, table: FlatTable | undefined, name: string): ColumnPlan {
    const tables = table?.tables(5) ?? [];
    const planned = (type.children ?? []).map((child, i) => this.field(child, tables[i], name));
    const children = planned.map(({ plan }) => plan);
    const number = table?.uint8(2);
    if (number === runEndEncoded) {
      const [ends, values] = children;
      if (!isRunEnd(ends!.type)) throw malformed(`has run ends of type ${ends!.type} in the column "${name}"`);
      return { ...values!, name, layout: "runEnds", children };
    }
    const fields = planned.map(({ field }) => field);
    const changed = fields.some((field, i) => field !== type.children[i]);
    const own = changed || (DataType.isUnion(type) && type.typeIds.length === 0) ? withChildren(type, fields) : type;
    const layout = number !== undefined && listViews.includes(number) ? "listView" : layoutOf(type, name);
    return {
      name,
      type: own,
      layout,
      width: byteWidth(type) ?? 0,
      arrayType: DataType.isDecimal(type) ? DecimalWords : (type.ArrayType as ArrayType),
      large: [Type.LargeUtf8, Type.LargeBinary, Type.LargeList].includes(type.typeId),
      text: [Type.Utf8, Type.LargeUtf8, Type.Utf8View].includes(type.typeId),
      children,
    };
  }
}

function isRunEnd(type: DataType): boolean {
  return DataType.isInt(type) && type.isSigned && type.bitWidth > 8;
}

function withChildren(type: DataType, fields: Field[]): DataType {
  if (DataType.isList(type)) return new List(fields[0]!);
  if (DataType.isLargeList(type)) return new LargeList(fields[0]!);
  if (DataType.isStruct(type)) return new Struct(fields);
  if (DataType.isFixedSizeList(type)) return new FixedSizeList(type.listSize, fields[0]!);
  if (DataType.isMap(type)) return new Map_(fields[0] as Field<Struct>, type.keysSorted);
  if (DataType.isUnion(type)) {
    // Type ids that a schema leaves out are the children's positions.
    const ids = type.typeIds.length === 0 ? fields.map((_, i) => i) : type.typeIds;
    return new Union(type.mode, ids, fields);
  }
  return type;
}

function layoutOf(type: DataType, name: string): Layout {
  if (byteWidth(type) !== undefined) return "fixed";
  switch (type.typeId) {
    case Type.Null:
      return "null";
    case Type.Bool:
      return "bool";
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary:
      return "bytes";
    case Type.Utf8View:
    case Type.BinaryView:
      return "views";
    case Type.List:
    case Type.LargeList:
    case Type.Map:
      return "list";
    case Type.FixedSizeList:
      return "fixedSizeList";
    case Type.Struct:
      return "struct";
    case Type.Union:
      return (type as Union).mode === UnionMode.Dense ? "denseUnion" : "sparseUnion";
    default:
      throw malformed(`has the column "${name}" of type ${type}, which is not read`);
  }
}

/** Bytes a row, for types of one fixed width; undefined for others. */
function byteWidth(type: DataType): number | undefined {
  if (DataType.isInt(type) || DataType.isTime(type) || DataType.isDecimal(type)) return type.bitWidth / 8;
  if (DataType.isFloat(type)) return 2 << type.precision;
  if (DataType.isDate(type)) return type.unit === 0 ? 4 : 8;
  if (DataType.isTimestamp(type) || DataType.isDuration(type)) return 8;
  if (DataType.isInterval(type)) return [4, 8, 16][type.unit];
  if (DataType.isFixedSizeBinary(type)) return type.byteWidth;
  return undefined;
}
