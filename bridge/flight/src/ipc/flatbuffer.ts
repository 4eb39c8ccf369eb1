import { FlightError } from "../error.js";

/** Elements of a vector inside a flatbuffer: where the first lies, and how many there are. */
export interface Vector {
  start: number;
  length: number;
}

const deepest = 64;

/**
 * One table of a flatbuffer, read with every position checked against the buffer's end: bytes from a peer can make a read
 * fail, never leave the buffer. Offsets only lead forward and each table is charged to the buffer's size, so that a hostile
 * buffer cannot make a reader run long.
 */
export class FlatTable {
  readonly #source: Source;
  readonly #position: number;
  readonly #vtable: number;
  readonly #vtableLength: number;
  readonly #depth: number;

  private constructor(source: Source, position: number, depth: number) {
    if (depth > deepest) throw malformed(`is nested more than ${deepest} deep`);
    if (--source.tablesLeft < 0) throw malformed("has more tables than its size allows");
    this.#source = source;
    this.#position = position;
    this.#depth = depth;
    this.#vtable = position - source.int32(position);
    this.#vtableLength = source.uint16(this.#vtable);
    if (position % 4 !== 0 || this.#vtable % 2 !== 0) throw malformed("has a table that is not aligned");
    if (this.#vtableLength < 4 || this.#vtableLength % 2 !== 0) throw malformed("has a table of an impossible shape");
    source.check(this.#vtable, this.#vtableLength);
  }

  /** The table that `bytes` begin with. Throws INVALID_ARGUMENT when they cannot be a flatbuffer. */
  static root(bytes: Uint8Array): FlatTable {
    const source = new Source(bytes);
    return new FlatTable(source, source.uint32(0), 0);
  }

  has(slot: number): boolean {
    return this.#field(slot, 1) !== 0;
  }

  /** Where a field of one byte lies. Throws when it is absent. */
  positionOf(slot: number): number {
    const at = this.#field(slot, 1);
    if (at === 0) throw malformed("lacks a field");
    return at;
  }

  uint8(slot: number, otherwise = 0): number {
    const at = this.#field(slot, 1);
    return at === 0 ? otherwise : this.#source.uint8(at);
  }

  int16(slot: number, otherwise = 0): number {
    const at = this.#field(slot, 2);
    return at === 0 ? otherwise : this.#source.int16(at);
  }

  int32(slot: number, otherwise = 0): number {
    const at = this.#field(slot, 4);
    return at === 0 ? otherwise : this.#source.int32(at);
  }

  int64(slot: number): bigint {
    const at = this.#field(slot, 8);
    return at === 0 ? 0n : this.#source.int64(at);
  }

  /** A 64-bit field that counts something: throws when it is negative or beyond 2^53. */
  count(slot: number, what: string): number {
    const at = this.#field(slot, 8);
    return at === 0 ? 0 : this.countAt(at, what);
  }

  table(slot: number): FlatTable | undefined {
    const at = this.#field(slot, 4);
    return at === 0 ? undefined : new FlatTable(this.#source, this.#source.follow(at), this.#depth + 1);
  }

  /** A vector of scalars or structs of `stride` bytes each. */
  vector(slot: number, stride: number): Vector {
    const at = this.#field(slot, 4);
    if (at === 0) return { start: 0, length: 0 };
    const start = this.#source.follow(at);
    const length = this.#source.uint32(start);
    this.#source.check(start + 4, length * stride);
    return { start: start + 4, length };
  }

  int32s(slot: number): number[] {
    const { start, length } = this.vector(slot, 4);
    return Array.from({ length }, (_, i) => this.#source.int32(start + 4 * i));
  }

  tables(slot: number): FlatTable[] {
    const { start, length } = this.vector(slot, 4);
    const tables: FlatTable[] = [];
    for (let i = 0; i < length; i++) {
      tables.push(new FlatTable(this.#source, this.#source.follow(start + 4 * i), this.#depth + 1));
    }
    return tables;
  }

  /** A string, "" when absent. Throws unless it lies inside and ends with a zero. */
  string(slot: number): string {
    const { start, length } = this.vector(slot, 1);
    if (start > 0 && this.#source.uint8(start + length) !== 0) throw malformed("has a string without an end");
    return start === 0 ? "" : this.#source.text(start, length);
  }

  /** The keys of a vector of key-value tables, Arrow's custom metadata, each pair checked. */
  keys(slot: number): string[] {
    return this.tables(slot).map((pair) => {
      if (!pair.has(0) || !pair.has(1)) throw malformed("has metadata without a key or a value");
      pair.string(1);
      return pair.string(0);
    });
  }

  /** A 64-bit count inside a vector, at the byte position `at`. */
  countAt(at: number, what: string): number {
    const low = this.#source.uint32(at);
    const high = this.#source.uint32(at + 4);
    if (high >= 1 << 21) throw malformed(`gives ${this.#source.int64(at)} as ${what}`);
    return high * 2 ** 32 + low;
  }

  /** Where a field of `size` bytes lies, 0 for none. Fields are aligned to their size. */
  #field(slot: number, size: number): number {
    const entry = 4 + 2 * slot;
    if (entry + 2 > this.#vtableLength) return 0;
    const offset = this.#source.int16(this.#vtable + entry);
    if (offset < 0) throw malformed("points outside itself");
    if (offset === 0) return 0;
    const at = this.#position + offset;
    if (at % size !== 0) throw malformed("has a field that is not aligned");
    return at;
  }
}

class Source {
  readonly #view: DataView;
  tablesLeft: number;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.tablesLeft = bytes.byteLength >>> 2;
  }

  check(at: number, length: number): void {
    if (at < 0 || at + length > this.#view.byteLength) throw malformed("points outside itself");
  }

  uint8(at: number): number {
    this.check(at, 1);
    return this.#view.getUint8(at);
  }

  int16(at: number): number {
    this.check(at, 2);
    return this.#view.getInt16(at, true);
  }

  uint16(at: number): number {
    this.check(at, 2);
    return this.#view.getUint16(at, true);
  }

  int32(at: number): number {
    this.check(at, 4);
    return this.#view.getInt32(at, true);
  }

  uint32(at: number): number {
    this.check(at, 4);
    return this.#view.getUint32(at, true);
  }

  int64(at: number): bigint {
    this.check(at, 8);
    return this.#view.getBigInt64(at, true);
  }

  text(at: number, length: number): string {
    const { buffer, byteOffset } = this.#view;
    return Buffer.from(buffer, byteOffset + at, length).toString();
  }

  /** The position that the forward offset at `at` leads to. */
  follow(at: number): number {
    const offset = this.uint32(at);
    if (offset === 0) throw malformed("has an offset that leads nowhere");
    if ((at + offset) % 4 !== 0) throw malformed("has an offset that is not aligned");
    this.check(at + offset, 4);
    return at + offset;
  }
}

/** An IPC message that breaks the format: INVALID_ARGUMENT. `what` completes "the IPC message …". */
export function malformed(what: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `The IPC message ${what}.`, {
    hint: "Check the program that wrote it: its bytes do not follow Arrow's IPC format.",
  });
}
