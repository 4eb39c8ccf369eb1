import {
  type BinaryView,
  BufferType,
  Data,
  DataType,
  type DenseUnion,
  type Union,
  UnionMode,
  type Utf8View,
  type Vector,
} from "apache-arrow";
import { VectorAssembler } from "apache-arrow/visitor/vectorassembler";

/** The types of apache-arrow say that its constructor is private; there is no other way to a subclass. */
const Assembler = VectorAssembler as unknown as new () => VectorAssembler;

/**
 * apache-arrow's assembler of a message's buffers, for columns that may be slices: of views and dense unions it sends what
 * the rows use. (Apache-arrow takes other rows' views, and a dense union's children whole.)
 */
export class ColumnAssembler extends Assembler {
  static of(columns: readonly Data[]): ColumnAssembler {
    const assembler = new ColumnAssembler();
    assembler.visitMany([...columns]);
    return assembler;
  }

  /** A slice of nulls does not know how many it has. */
  override visit<T extends DataType>(data: Data<T> | Vector<T>): this {
    const nulls = data instanceof Data && DataType.isNull(data.type) && data.nullCount !== data.length;
    return super.visit(nulls ? data.clone(data.type, 0, data.length, data.length) : data);
  }

  override visitUtf8View<T extends Utf8View>(data: Data<T>): this {
    return super.visitUtf8View(usedViews(data));
  }

  override visitBinaryView<T extends BinaryView>(data: Data<T>): this {
    return super.visitBinaryView(usedViews(data));
  }

  override visitUnion<T extends Union>(data: Data<T>): this {
    return super.visitUnion(
      data.type.mode === UnionMode.Dense ? (usedChildren(data as Data<DenseUnion>) as Data<T>) : data,
    );
  }
}

/** The same rows from their first on, with the part of each data buffer that they point into. */
function usedViews<T extends BinaryView | Utf8View>(data: Data<T>): Data<T> {
  const used = data.variadicBuffers.map(() => ({ from: Number.POSITIVE_INFINITY, to: 0 }));
  const views = data.values.slice(0, 16 * data.length);
  const view = new DataView(views.buffer, views.byteOffset, views.byteLength);
  const long = (row: number) => data.getValid(row) && view.getInt32(16 * row, true) > 12;
  for (let row = 0; row < data.length; row++) {
    if (!long(row)) continue;
    const range = used[view.getInt32(16 * row + 8, true)]!;
    const from = view.getInt32(16 * row + 12, true);
    range.from = Math.min(range.from, from);
    range.to = Math.max(range.to, from + view.getInt32(16 * row, true));
  }
  for (let row = 0; row < data.length; row++) {
    if (!long(row)) continue;
    const { from } = used[view.getInt32(16 * row + 8, true)]!;
    view.setInt32(16 * row + 12, view.getInt32(16 * row + 12, true) - from, true);
  }
  const buffers = data.variadicBuffers.map((buffer, i) => {
    const { from, to } = used[i]!;
    return from < to ? buffer.subarray(from, to) : buffer.subarray(0, 0);
  });
  const own = { ...data.buffers, [BufferType.DATA]: views };
  return data.clone(data.type, 0, data.length, data.nullCount, own, [], buffers);
}

/** The same rows from their first on, with the part of each child that they point into. */
function usedChildren(data: Data<DenseUnion>): Data<DenseUnion> {
  const { type, length, typeIds, children } = data;
  const childOf = new Map([...type.typeIds].map((id, index) => [id, index]));
  const used = children.map(() => ({ from: Number.POSITIVE_INFINITY, to: 0 }));
  const offsets = data.valueOffsets.slice(0, length);
  for (let row = 0; row < length; row++) {
    const range = used[childOf.get(typeIds[row]!)!]!;
    range.from = Math.min(range.from, offsets[row]!);
    range.to = Math.max(range.to, offsets[row]! + 1);
  }
  for (let row = 0; row < length; row++) offsets[row]! -= used[childOf.get(typeIds[row]!)!]!.from;
  const parts = children.map((child, i) => {
    const { from, to } = used[i]!;
    return from < to ? child.slice(from, to - from) : child.slice(0, 0);
  });
  return data.clone(type, 0, length, 0, { ...data.buffers, [BufferType.OFFSET]: offsets }, parts);
}
