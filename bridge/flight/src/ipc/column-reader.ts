import type { Data, DataType, Dictionary, Vector as Values } from "apache-arrow";
import { checkText, checkValues, offsetsGrow } from "./check-values.js";
import type { ArrayType, ColumnPlan } from "./column-plan.js";
import type { DecodeBudget } from "./decode-budget.js";
import { malformed } from "./flatbuffer.js";
import { listsOf, rowsOfRuns } from "./gather.js";
import { makeColumn } from "./make-column.js";
import { countNulls } from "./null-count.js";
import type { BatchShape, BufferRegion, FieldNode } from "./read-message.js";

/** A batch whose buffers are plain: its body begins at a multiple of 8 bytes. */
export interface PlainBatch {
  readonly shape: BatchShape;
  readonly body: Uint8Array;
  readonly version: 4 | 5;
  readonly checkContents: boolean;
}

/**
 * Reads a batch's columns as views of its body, each checked as it is read, in one pass: that its buffers are there and long
 * enough, and that their contents are what the format asks for (see checkValues), unless `checkContents` is false. Columns that apache-arrow cannot read as they
 * lie are copied into ones that it can, within `budget`. Throws INVALID_ARGUMENT for anything that does not fit.
 */
export function readColumns(
  plans: readonly ColumnPlan[],
  batch: PlainBatch,
  dictionaries: ReadonlyMap<number, Values>,
  budget: DecodeBudget,
): Data[] {
  const reader = new ColumnReader(batch, dictionaries, budget);
  const { rows } = batch.shape;
  const columns = plans.map((plan) => {
    const column = reader.column(plan);
    if (column.length !== rows) {
      throw malformed(`has ${rows} rows and ${column.length} values in the column "${plan.name}"`);
    }
    return column;
  });
  reader.finish();
  return columns;
}

const noBytes = new Uint8Array(0);

class ColumnReader {
  readonly #shape: BatchShape;
  readonly #body: Uint8Array;
  readonly #version: 4 | 5;
  readonly #checkContents: boolean;
  readonly #dictionaries: ReadonlyMap<number, Values>;
  readonly #budget: DecodeBudget;
  #node = 0;
  #buffer = 0;
  #variadic = 0;

  constructor(
    { shape, body, version, checkContents }: PlainBatch,
    dictionaries: ReadonlyMap<number, Values>,
    budget: DecodeBudget,
  ) {
    this.#shape = shape;
    this.#body = body;
    this.#version = version;
    this.#checkContents = checkContents;
    this.#dictionaries = dictionaries;
    this.#budget = budget;
  }

  column(plan: ColumnPlan): Data {
    const node = this.#shape.nodes[this.#node++];
    if (node === undefined) throw malformed(`has no column "${plan.name}"`);
    const column = this.#read(plan, node);
    if (this.#checkContents) checkValues(plan, column);
    return column;
  }

  finish(): void {
    const { nodes, buffers, variadicCounts } = this.#shape;
    if (this.#node !== nodes.length) throw malformed("has more columns than its schema");
    if (this.#buffer !== buffers.length) throw malformed("has more buffers than its schema asks for");
    if (this.#variadic !== variadicCounts.length) throw malformed("has more counts of buffers than columns of views");
  }

  #read(plan: ColumnPlan, node: FieldNode): Data {
    const { type } = plan;
    const { length, nullCount } = node;
    switch (plan.layout) {
      case "fixed": {
        const validity = this.#validity(plan, node);
        const values = this.#values(plan, length, plan.arrayType, plan.width);
        return this.#fixed(plan, node, validity, values);
      }
      case "wideIndex": {
        const validity = this.#validity(plan, node);
        const values = this.#values(plan, length, plan.arrayType, plan.width);
        return this.#fixed(plan, node, validity, this.#narrow(values as BigInt64Array));
      }
      case "bool": {
        const validity = this.#validity(plan, node);
        return makeColumn(type, length, nullCount, [undefined, this.#bytes(plan, Math.ceil(length / 8)), validity]);
      }
      case "bytes": {
        const validity = this.#validity(plan, node);
        const offsets = this.#offsets(plan, length);
        const values = this.#rest(plan);
        if (lastOf(offsets, length) > values.byteLength)
          throw this.#short(plan, lastOf(offsets, length), values.byteLength);
        const column = makeColumn(type, length, nullCount, [offsets, values, validity]);
        if (plan.text && this.#checkContents) checkText(plan, column);
        return column;
      }
      case "views": {
        const validity = this.#validity(plan, node);
        const views = this.#bytes(plan, 16 * length);
        const count = this.#shape.variadicCounts[this.#variadic++];
        if (count === undefined) throw malformed(`does not say how many buffers the column "${plan.name}" has`);
        if (count > this.#shape.buffers.length) throw this.#few(plan);
        const buffers = Array.from({ length: count }, () => this.#rest(plan));
        return makeColumn(type, length, nullCount, [undefined, views, validity], undefined, undefined, buffers);
      }
      case "list": {
        const validity = this.#validity(plan, node);
        const offsets = this.#offsets(plan, length);
        const child = this.column(plan.children[0]!);
        if (lastOf(offsets, length) > child.length) throw this.#short(plan, lastOf(offsets, length), child.length);
        return makeColumn(type, length, nullCount, [offsets, undefined, validity], [child]);
      }
      case "listView": {
        const validity = this.#validity(plan, node);
        const offsetType = plan.large ? BigInt64Array : Int32Array;
        const width = plan.large ? 8 : 4;
        const offsets = this.#values(plan, length, offsetType, width) as Int32Array | BigInt64Array;
        const sizes = this.#values(plan, length, offsetType, width) as Int32Array | BigInt64Array;
        const child = this.column(plan.children[0]!);
        return listsOf(plan, { length, nullCount, validity, offsets, sizes }, child, this.#budget);
      }
      case "fixedSizeList": {
        const validity = this.#validity(plan, node);
        const child = this.column(plan.children[0]!);
        const needed = length * (type as DataType & { listSize: number }).listSize;
        if (needed > child.length) throw this.#short(plan, needed, child.length);
        return makeColumn(type, length, nullCount, [undefined, undefined, validity], [child]);
      }
      case "struct": {
        const validity = this.#validity(plan, node);
        const children = plan.children.map((child) => this.column(child));
        for (const child of children) if (child.length < length) throw this.#short(plan, length, child.length);
        return makeColumn(type, length, nullCount, [undefined, undefined, validity], children);
      }
      case "sparseUnion":
      case "denseUnion": {
        // Before metadata version 5, unions and run-end encoded columns had a validity bitmap, too.
        if (this.#version === 4) this.#validity(plan, node);
        if (this.#version === 4 && nullCount > 0) throw malformed(`has nulls of the union "${plan.name}" itself`);
        const typeIds = this.#values(plan, length, Int8Array, 1);
        const offsets = plan.layout === "denseUnion" ? this.#values(plan, length, Int32Array, 4) : undefined;
        const children = plan.children.map((child) => this.column(child));
        return makeColumn(type, length, 0, [offsets, undefined, undefined, typeIds], children);
      }
      case "runEnds": {
        if (this.#version === 4) this.#validity(plan, node);
        if (nullCount > 0) throw malformed(`has ${nullCount} nulls in the run-end encoded column "${plan.name}"`);
        const [ends, values] = plan.children.map((child) => this.column(child));
        return rowsOfRuns(plan, length, ends!, values!, this.#budget);
      }
      case "null":
        if (nullCount !== length) throw malformed(`has values in place of nulls in the column "${plan.name}"`);
        return makeColumn(type, length, length, []);
    }
  }

  #fixed(plan: ColumnPlan, { length, nullCount }: FieldNode, validity: Uint8Array, values: ArrayBufferView): Data {
    const { id } = plan.type as Dictionary;
    if (id === undefined) return makeColumn(plan.type, length, nullCount, [undefined, values, validity]);
    const dictionary = this.#dictionaries.get(id);
    if (dictionary === undefined && length > nullCount) {
      throw malformed(`comes before the dictionary ${id} that the column "${plan.name}" needs`);
    }
    return makeColumn(plan.type, length, nullCount, [undefined, values, validity], undefined, dictionary);
  }

  /** Indices beyond 32 bits, which no dictionary has, become -1: checkValues refuses them where they are not null. */
  #narrow(wide: BigInt64Array): Int32Array {
    this.#budget.take(4 * wide.length);
    const narrow = new Int32Array(wide.length);
    for (let row = 0; row < wide.length; row++) {
      const index = wide[row]!;
      narrow[row] = index >= 0n && index <= 0x7fffffffn ? Number(index) : -1;
    }
    return narrow;
  }

  #validity(plan: ColumnPlan, { length, nullCount }: FieldNode): Uint8Array {
    if (nullCount === 0) {
      this.#region(plan);
      return noBytes;
    }
    const bitmap = this.#bytes(plan, Math.ceil(length / 8));
    if (!this.#checkContents) return bitmap;
    const nulls = countNulls(bitmap, length);
    if (nulls !== nullCount)
      throw malformed(`has ${nulls} nulls in the column "${plan.name}", which says ${nullCount}`);
    return bitmap;
  }

  /** The offsets of `length` values, which grow from at least 0. Of no values there may be none, or one wherever it points. */
  #offsets(plan: ColumnPlan, length: number): Int32Array | BigInt64Array {
    const count = length > 0 || this.#shape.buffers[this.#buffer]?.length !== 0 ? length + 1 : 0;
    const offsets = plan.large
      ? (this.#values(plan, count, BigInt64Array, 8) as BigInt64Array)
      : (this.#values(plan, count, Int32Array, 4) as Int32Array);
    if (this.#checkContents && !offsetsGrow(offsets))
      throw malformed(`has offsets that run backwards in the column "${plan.name}"`);
    return length > 0 ? offsets : plan.large ? new BigInt64Array(1) : new Int32Array(1);
  }

  #values(plan: ColumnPlan, length: number, arrayType: ArrayType, width: number): ArrayBufferView {
    const { offset } = this.#region(plan, width * length);
    const { buffer, byteOffset } = this.#body;
    const bytes = (arrayType as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
    return new arrayType(buffer, byteOffset + offset, (width * length) / bytes);
  }

  #bytes(plan: ColumnPlan, length: number): Uint8Array {
    const { offset } = this.#region(plan, length);
    return new Uint8Array(this.#body.buffer, this.#body.byteOffset + offset, length);
  }

  /** All of a buffer. */
  #rest(plan: ColumnPlan): Uint8Array {
    const { offset, length } = this.#region(plan);
    return new Uint8Array(this.#body.buffer, this.#body.byteOffset + offset, length);
  }

  /** The next buffer, of at least `length` bytes. That it lies inside the body was checked with the header. */
  #region(plan: ColumnPlan, length = 0): BufferRegion {
    const region = this.#shape.buffers[this.#buffer++];
    if (region === undefined) throw this.#few(plan);
    if (region.offset % 8 !== 0) {
      throw malformed(`has a buffer at ${region.offset}, which is not 8-byte aligned, for the column "${plan.name}"`);
    }
    if (region.length < length) throw this.#short(plan, length, region.length);
    return region;
  }

  #few(plan: ColumnPlan): Error {
    return malformed(`has too few buffers for the column "${plan.name}"`);
  }

  #short({ name, type }: ColumnPlan, needed: number, there: number): Error {
    return malformed(`has the column "${name}" of type ${type}, which needs ${needed} and has ${there}`);
  }
}

function lastOf(offsets: Int32Array | BigInt64Array, length: number): number {
  return Number(offsets[length]);
}
