import { type Data, Type, type Union } from "apache-arrow";
import type { ColumnPlan } from "./column-plan.js";
import type { DecodeBudget } from "./decode-budget.js";
import { malformed } from "./flatbuffer.js";
import { makeColumn } from "./make-column.js";

/** List views as they lie in a message: `offsets` and `sizes` are of 32 or 64 bits. */
export interface ListViews {
  readonly length: number;
  readonly nullCount: number;
  readonly validity: Uint8Array;
  readonly offsets: ArrayLike<number | bigint>;
  readonly sizes: ArrayLike<number | bigint>;
}

/**
 * The lists that views into `child` show. Where the views lie one after another, only offsets are made; otherwise the values are
 * copied into that order. Throws INVALID_ARGUMENT for views outside the child.
 */
export function listsOf(plan: ColumnPlan, views: ListViews, child: Data, budget: DecodeBudget): Data {
  const { length, nullCount, validity } = views;
  budget.take((plan.large ? 16 : 8) * (length + 1));
  const starts = new Float64Array(length);
  const ends = plan.large ? new BigInt64Array(length + 1) : new Int32Array(length + 1);
  const first = length > 0 && isValid(validity, nullCount, 0) ? Number(views.offsets[0]) : 0;
  let inOrder = true;
  let total = 0;
  for (let row = 0; row < length; row++) {
    const [start, size] = [Number(views.offsets[row]), Number(views.sizes[row])];
    if (start < 0 || size < 0 || start + size > child.length) {
      throw malformed(`has a view of ${size} values at ${start} of ${child.length} in the column "${plan.name}"`);
    }
    const taken = isValid(validity, nullCount, row) ? size : 0;
    if (taken > 0 && start !== first + total) inOrder = false;
    starts[row] = start;
    total += taken;
    if (!plan.large && first + total > 0x7fffffff) throw budget.exceeded();
    ends[row + 1] = plan.large ? BigInt(total) : total;
  }
  let values = child;
  if (inOrder && first > 0) {
    for (let row = 0; row <= length; row++)
      ends[row] = plan.large ? BigInt(first + Number(ends[row])) : first + Number(ends[row]);
  }
  if (!inOrder) {
    budget.take(4 * total);
    const picked = new Int32Array(total);
    for (let row = 0, at = 0; row < length; row++) {
      const shift = starts[row]! - at;
      for (const end = Number(ends[row + 1]); at < end; at++) picked[at] = at + shift;
    }
    values = gather(child, picked, budget);
  }
  return makeColumn(plan.type, length, nullCount, [ends, undefined, validity], [values]);
}

/** The rows that run-end encoded `values` stand for. Throws INVALID_ARGUMENT for runs that do not cover exactly growing ranges. */
export function rowsOfRuns(plan: ColumnPlan, length: number, ends: Data, values: Data, budget: DecodeBudget): Data {
  if (ends.nullCount > 0 || ends.length > values.length) {
    throw malformed(`has run ends that are null or without a value in the column "${plan.name}"`);
  }
  const runEnds = ends.values as unknown as ArrayLike<number | bigint>;
  let covered = 0;
  for (let run = 0; run < ends.length; run++) {
    const end = Number(runEnds[run]);
    if (end <= covered) throw malformed(`has run ends that do not grow in the column "${plan.name}"`);
    covered = end;
  }
  if (covered < length) throw malformed(`has ${length} rows and runs of ${covered} in the column "${plan.name}"`);
  budget.take(4 * length);
  const picked = new Int32Array(length);
  for (let run = 0, row = 0; row < length; run++) {
    const end = Math.min(length, Number(runEnds[run]));
    picked.fill(run, row, end);
    row = end;
  }
  return gather(values, picked, budget);
}

/** The rows of `data`, which begins at its first row, at the positions `picked`, in that order: a copy. */
export function gather(data: Data, picked: Int32Array, budget: DecodeBudget): Data {
  const { type } = data;
  const { length } = picked;
  if (type.typeId === Type.Null) return makeColumn(type, length, length, []);
  if (data.length > 0x7fffffff) throw budget.exceeded();
  if (type.typeId === Type.Union) return gatherUnion(data as Data<Union>, picked, budget);
  const { validity, nullCount } = gatherValidity(data, picked, budget);
  const make = (offsets?: ArrayBufferView, values?: ArrayBufferView, children?: Data[]) =>
    makeColumn(type, length, nullCount, [offsets, values, validity], children, data.dictionary, data.variadicBuffers);
  switch (type.typeId) {
    case Type.Bool:
      return make(undefined, gatherBits(data.values as Uint8Array, picked, budget));
    case Type.Utf8:
    case Type.Binary:
    case Type.LargeUtf8:
    case Type.LargeBinary: {
      const { offsets, total, starts } = gatherOffsets(data, picked, budget);
      budget.take(total);
      const bytes = new Uint8Array(total);
      const source = data.values as Uint8Array;
      for (let row = 0; row < length; row++) {
        const [to, end] = [Number(offsets[row]), Number(offsets[row + 1])];
        for (let i = 0; i < end - to; i++) bytes[to + i] = source[starts[row]! + i]!;
      }
      return make(offsets, bytes);
    }
    case Type.List:
    case Type.LargeList:
    case Type.Map: {
      const { offsets, total, starts } = gatherOffsets(data, picked, budget);
      budget.take(4 * total);
      const inside = new Int32Array(total);
      for (let row = 0; row < length; row++) {
        const [to, end] = [Number(offsets[row]), Number(offsets[row + 1])];
        for (let i = 0; i < end - to; i++) inside[to + i] = starts[row]! + i;
      }
      return make(offsets, undefined, [gather(data.children[0]!, inside, budget)]);
    }
    case Type.FixedSizeList: {
      const { stride } = data;
      budget.take(4 * length * stride);
      const inside = new Int32Array(length * stride);
      for (let i = 0; i < inside.length; i++) inside[i] = picked[Math.floor(i / stride)]! * stride + (i % stride);
      return make(undefined, undefined, [gather(data.children[0]!, inside, budget)]);
    }
    case Type.Struct:
      return make(
        undefined,
        undefined,
        data.children.map((child) => gather(child, picked, budget)),
      );
    default:
      return make(undefined, gatherFixed(data, picked, budget));
  }
}

/** Dense unions get each child's rows in the order in which they are used, as the format asks for. */
function gatherUnion(data: Data<Union>, picked: Int32Array, budget: DecodeBudget): Data {
  const { type, typeIds, valueOffsets } = data;
  budget.take(5 * picked.length);
  const ids = new Int8Array(picked.length);
  for (let row = 0; row < picked.length; row++) ids[row] = typeIds[picked[row]!]!;
  if (valueOffsets === undefined) {
    const children = data.children.map((child) => gather(child, picked, budget));
    return makeColumn(type, picked.length, 0, [undefined, undefined, undefined, ids], children);
  }
  const offsets = new Int32Array(picked.length);
  const children = data.children.map((child, index) => {
    const id = type.typeIds[index];
    budget.take(4 * picked.length);
    const inside = new Int32Array(picked.length);
    let count = 0;
    for (let row = 0; row < picked.length; row++) {
      if (ids[row] !== id) continue;
      offsets[row] = count;
      inside[count++] = valueOffsets[picked[row]!]!;
    }
    return gather(child, inside.subarray(0, count), budget);
  });
  return makeColumn(type, picked.length, 0, [offsets, undefined, undefined, ids], children);
}

function gatherValidity(
  data: Data,
  picked: Int32Array,
  budget: DecodeBudget,
): { validity: Uint8Array; nullCount: number } {
  if (data.nullCount === 0) return { validity: new Uint8Array(0), nullCount: 0 };
  const validity = gatherBits(data.nullBitmap, picked, budget);
  let nullCount = 0;
  for (const row of picked) if (!isValid(data.nullBitmap, data.nullCount, row)) nullCount++;
  return { validity, nullCount };
}

function gatherBits(bits: Uint8Array, picked: Int32Array, budget: DecodeBudget): Uint8Array {
  budget.take((picked.length + 7) >>> 3);
  const gathered = new Uint8Array((picked.length + 7) >>> 3);
  for (let row = 0; row < picked.length; row++) {
    const from = picked[row]!;
    gathered[row >>> 3]! |= ((bits[from >>> 3]! >>> (from & 7)) & 1) << (row & 7);
  }
  return gathered;
}

function gatherOffsets(
  data: Data,
  picked: Int32Array,
  budget: DecodeBudget,
): { offsets: Int32Array | BigInt64Array; total: number; starts: Float64Array } {
  const source = data.valueOffsets as Int32Array | BigInt64Array;
  const large = source instanceof BigInt64Array;
  budget.take((large ? 16 : 12) * (picked.length + 1));
  const offsets = large ? new BigInt64Array(picked.length + 1) : new Int32Array(picked.length + 1);
  const starts = new Float64Array(picked.length);
  let total = 0;
  for (let row = 0; row < picked.length; row++) {
    const from = picked[row]!;
    const start = Number(source[from]);
    starts[row] = start;
    total += Number(source[from + 1]) - start;
    if (!large && total > 0x7fffffff) throw budget.exceeded();
    offsets[row + 1] = large ? BigInt(total) : total;
  }
  return { offsets, total, starts };
}

/** A copy of rows of a fixed width, by the unit of the array that they lie in. */
function gatherFixed(data: Data, picked: Int32Array, budget: DecodeBudget): ArrayBufferView {
  const { stride } = data;
  const source = data.values as Float64Array;
  budget.take(picked.length * stride * source.BYTES_PER_ELEMENT);
  const gathered = new (source.constructor as Float64ArrayConstructor)(picked.length * stride);
  if (stride === 1) for (let row = 0; row < picked.length; row++) gathered[row] = source[picked[row]!]!;
  else {
    for (let row = 0; row < picked.length; row++) {
      const from = picked[row]! * stride;
      for (let i = 0; i < stride; i++) gathered[row * stride + i] = source[from + i]!;
    }
  }
  return gathered;
}

function isValid(bitmap: Uint8Array, nullCount: number, row: number): boolean {
  return nullCount === 0 || ((bitmap[row >>> 3]! >>> (row & 7)) & 1) === 1;
}
