import { DataType, type Decimal, type FixedSizeBinary, type FixedSizeList, Type, UnionMode } from "apache-arrow";
import { malformed } from "./flatbuffer.js";
import { countNulls } from "./null-count.js";
import type { BatchShape, BufferRegion, FieldNode } from "./read-message.js";

/**
 * Checks that a batch has the columns and buffers that `types` ask for, each long enough for its rows, and returns the
 * buffers' regions, cut to what the rows need where the type tells. Throws INVALID_ARGUMENT otherwise.
 */
export function layOut(
  types: readonly DataType[],
  shape: BatchShape,
  body: Uint8Array,
  version: 4 | 5,
): BufferRegion[] {
  const layout = new Layout(shape, body, version);
  for (const type of types) {
    const node = layout.column(type);
    if (node.length !== shape.rows) throw malformed(`has ${shape.rows} rows and a column of ${node.length}`);
  }
  layout.finish();
  return layout.regions;
}

class Layout {
  readonly regions: BufferRegion[] = [];
  readonly #shape: BatchShape;
  readonly #view: DataView;
  readonly #version: 4 | 5;
  #node = 0;
  #variadic = 0;

  constructor(shape: BatchShape, body: Uint8Array, version: 4 | 5) {
    this.#shape = shape;
    this.#view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    this.#version = version;
  }

  column(type: DataType): FieldNode {
    const node = this.#shape.nodes[this.#node++];
    if (node === undefined) throw malformed("has fewer columns than its schema");
    const rows = node.length;
    if (type.typeId === Type.Null) return node;
    if (type.typeId === Type.Union) {
      if (this.#version === 4) this.#validity(node);
      this.#exactly(rows, type);
      if ((type as DataType & { mode: UnionMode }).mode === UnionMode.Dense) this.#exactly(4 * rows, type);
      for (const child of type.children) this.column(child.type);
      return node;
    }
    this.#validity(node);
    const width = byteWidth(type);
    if (width !== undefined) {
      this.#exactly(width * rows, type);
      return node;
    }
    switch (type.typeId) {
      case Type.Bool:
        this.#exactly((rows + 7) >>> 3, type);
        break;
      case Type.Utf8:
      case Type.Binary:
        this.#ends(this.#offsets(rows, 4, type), this.#atLeast(0, type).length, type);
        break;
      case Type.LargeUtf8:
      case Type.LargeBinary:
        this.#ends(this.#offsets(rows, 8, type), this.#atLeast(0, type).length, type);
        break;
      case Type.Utf8View:
      case Type.BinaryView:
        this.#exactly(16 * rows, type);
        this.#variadicBuffers(type);
        break;
      case Type.List:
      case Type.Map:
        this.#ends(this.#offsets(rows, 4, type), this.#children(type), type);
        break;
      case Type.LargeList:
        this.#ends(this.#offsets(rows, 8, type), this.#children(type), type);
        break;
      case Type.FixedSizeList:
        this.#ends(rows * (type as FixedSizeList).listSize, this.#children(type), type);
        break;
      case Type.Struct:
        this.#ends(rows, this.#children(type), type);
        break;
      default:
        throw malformed(`has a column of type ${type}, which is not read`);
    }
    return node;
  }

  finish(): void {
    if (this.#node !== this.#shape.nodes.length) throw malformed("has more columns than its schema");
    if (this.#variadic !== this.#shape.variadicCounts.length)
      throw malformed("has more counts of buffers than columns of views");
    if (this.regions.length !== this.#shape.buffers.length)
      throw malformed("has more buffers than its schema asks for");
  }

  /** The length of the shortest child. */
  #children(type: DataType): number {
    let shortest = Number.POSITIVE_INFINITY;
    for (const child of type.children) shortest = Math.min(shortest, this.column(child.type).length);
    return shortest;
  }

  #validity(node: FieldNode): void {
    if (node.nullCount === 0) {
      this.#atLeast(0, "a validity bitmap");
      return;
    }
    const { offset, length } = this.#exactly((node.length + 7) >>> 3, "a validity bitmap");
    const { buffer, byteOffset } = this.#view;
    const nulls = countNulls(new Uint8Array(buffer, byteOffset + offset, length), node.length);
    if (nulls !== node.nullCount) throw malformed(`has ${nulls} nulls in a column that says ${node.nullCount}`);
  }

  #exactly(bytes: number, what: DataType | string): BufferRegion {
    const region = this.#atLeast(bytes, what);
    region.length = bytes;
    return region;
  }

  #atLeast(bytes: number, what: DataType | string): BufferRegion {
    const region = this.#shape.buffers[this.regions.length];
    if (region === undefined) throw malformed("has fewer buffers than its schema asks for");
    if (region.offset % 8 !== 0) throw malformed(`has a buffer at ${region.offset}, which is not 8-byte aligned`);
    if (region.length < bytes) throw malformed(`has ${region.length} bytes where ${what} needs ${bytes}`);
    const own = { offset: region.offset, length: region.length };
    this.regions.push(own);
    return own;
  }

  /** Takes the buffer of offsets and returns the last one: how much the rows need of what they point into. */
  #offsets(rows: number, width: 4 | 8, type: DataType): number {
    if (rows === 0 && this.#shape.buffers[this.regions.length]?.length === 0) {
      this.#atLeast(0, type);
      return 0;
    }
    const { offset } = this.#exactly(width * (rows + 1), type);
    const at = (index: number) =>
      width === 4
        ? this.#view.getInt32(offset + 4 * index, true)
        : Number(this.#view.getBigInt64(offset + 8 * index, true));
    if (at(0) < 0 || at(rows) < at(0)) throw malformed(`has offsets of ${type} that run backwards`);
    return at(rows);
  }

  #ends(needed: number, available: number, type: DataType): void {
    if (needed > available) throw malformed(`has a column of ${type} that needs ${needed} and has ${available}`);
  }

  #variadicBuffers(type: DataType): void {
    const count = this.#shape.variadicCounts[this.#variadic++];
    if (count === undefined) throw malformed("does not say how many buffers a column of views has");
    for (let i = 0; i < count; i++) this.#atLeast(0, type);
  }
}

/** Bytes a row, for types of one fixed width; undefined for others. */
function byteWidth(type: DataType): number | undefined {
  if (DataType.isDictionary(type)) return byteWidth(type.indices);
  switch (type.typeId) {
    case Type.Int:
    case Type.Time:
      return (type as DataType & { bitWidth: number }).bitWidth / 8;
    case Type.Float:
      return 2 << (type as DataType & { precision: number }).precision;
    case Type.Decimal:
      return (type as Decimal).bitWidth / 8;
    case Type.Date:
      return (type as DataType & { unit: number }).unit === 0 ? 4 : 8;
    case Type.Timestamp:
    case Type.Duration:
      return 8;
    case Type.Interval:
      return [4, 8, 16][(type as DataType & { unit: number }).unit];
    case Type.FixedSizeBinary:
      return (type as FixedSizeBinary).byteWidth;
    default:
      return undefined;
  }
}
