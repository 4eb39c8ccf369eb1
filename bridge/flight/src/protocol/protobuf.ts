import { FlightError } from "../error.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads the fields of one protobuf message in order: `next` moves on, then exactly one of `bytes`, `message`, `string`, `integer`,
 * `double`, `fixed64` or `skip` takes the value. Values are views. Throws INVALID_ARGUMENT for bytes that are no protobuf.
 */
export class ProtoReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #wire = 0;
  /** The number of the field that `next` found. */
  field = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(): boolean {
    if (this.#position >= this.#bytes.byteLength) return false;
    const tag = this.#varint();
    this.#wire = tag & 7;
    this.field = Math.floor(tag / 8);
    if (this.field === 0) throw malformed("a field numbered 0");
    return true;
  }

  bytes(): Uint8Array {
    if (this.#wire !== 2) throw malformed(`field ${this.field} of an unexpected kind`);
    const length = this.#varint();
    const start = this.#position;
    if (length > this.#bytes.byteLength - start) throw malformed(`field ${this.field} that ends beyond the message`);
    this.#position = start + length;
    return this.#bytes.subarray(start, this.#position);
  }

  /** The bytes of an embedded message. One that came `before` under the same number is joined with it, as protobuf has it. */
  message(before: Uint8Array | undefined): Uint8Array {
    const bytes = this.bytes();
    return before === undefined ? bytes : new Uint8Array(Buffer.concat([before, bytes]));
  }

  string(): string {
    const bytes = this.bytes();
    try {
      // A copy, because TextDecoder takes no shared memory.
      return utf8.decode(new Uint8Array(bytes));
    } catch {
      throw malformed(`field ${this.field} that is no UTF-8`);
    }
  }

  /** A varint as a signed 64-bit number. Throws beyond 2^53. */
  integer(): number {
    if (this.#wire !== 0) throw malformed(`field ${this.field} of an unexpected kind`);
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const number = Number(BigInt.asIntN(64, value));
        if (!Number.isSafeInteger(number)) throw malformed(`field ${this.field} beyond 2^53`);
        return number;
      }
    }
    throw malformed("a number of more than 64 bits");
  }

  double(): number {
    return this.#eightBytes().getFloat64(0, true);
  }

  /** A signed number of 64 bits in eight bytes. */
  fixed64(): bigint {
    return this.#eightBytes().getBigInt64(0, true);
  }

  /** Passes over a field that the reader does not know. */
  skip(): void {
    if (this.#wire === 2) this.bytes();
    else if (this.#wire === 0) this.#varint64();
    else if (this.#wire === 1) this.#forward(8);
    else if (this.#wire === 5) this.#forward(4);
    else throw malformed(`field ${this.field} of an unknown kind`);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 5; i++) {
      const byte = this.#byte();
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
    throw malformed("a length of more than 32 bits");
  }

  #varint64(): void {
    for (let i = 0; i < 10; i++) if (this.#byte() < 128) return;
    throw malformed("a number of more than 64 bits");
  }

  #byte(): number {
    const byte = this.#bytes[this.#position++];
    if (byte === undefined) throw malformed("a field that breaks off");
    return byte;
  }

  #eightBytes(): DataView {
    if (this.#wire !== 1) throw malformed(`field ${this.field} of an unexpected kind`);
    this.#forward(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#position - 8);
  }

  #forward(bytes: number): void {
    this.#position += bytes;
    if (this.#position > this.#bytes.byteLength) throw malformed("a field that breaks off");
  }
}

/** Builds one protobuf message, field by field. Fields that are absent, empty or zero are left out, as proto3 has it. */
export class ProtoWriter {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  bytes(field: number, value: Uint8Array | undefined): this {
    return value === undefined || value.byteLength === 0 ? this : this.message(field, value);
  }

  string(field: number, value: string | undefined): this {
    return value === undefined ? this : this.bytes(field, Buffer.from(value));
  }

  /** A field that is written even when it is empty: an embedded message, or one of a repeated field. */
  message(field: number, value: Uint8Array): this {
    const tag = new Uint8Array(varintLength(field * 8) + varintLength(value.byteLength));
    putVarint(tag, putVarint(tag, 0, field * 8 + 2), value.byteLength);
    return this.#push(tag).#push(value);
  }

  integer(field: number, value: number | undefined): this {
    return value === undefined || value === 0 ? this : this.varint(field, value);
  }

  /** An integer that is written even when it is zero: one of a choice. */
  varint(field: number, value: number): this {
    let rest = BigInt.asUintN(64, BigInt(value));
    const bytes = [field * 8];
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
    return this.#push(Uint8Array.from(bytes));
  }

  boolean(field: number, value: boolean | undefined): this {
    return this.integer(field, value ? 1 : 0);
  }

  /** A field that is written even when it is zero: one that may be absent, or one of a choice. */
  double(field: number, value: number): this {
    const bytes = new Uint8Array(9);
    bytes[0] = field * 8 + 1;
    new DataView(bytes.buffer).setFloat64(1, value, true);
    return this.#push(bytes);
  }

  /** A signed number of 64 bits in eight bytes, written even when it is zero. */
  fixed64(field: number, value: bigint): this {
    const bytes = new Uint8Array(9);
    bytes[0] = field * 8 + 1;
    new DataView(bytes.buffer).setBigInt64(1, value, true);
    return this.#push(bytes);
  }

  finish(): Uint8Array {
    const bytes = new Uint8Array(this.#length);
    let position = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, position);
      position += piece.byteLength;
    }
    return bytes;
  }

  #push(piece: Uint8Array): this {
    this.#pieces.push(piece);
    this.#length += piece.byteLength;
    return this;
  }
}

/** How many bytes the varint of `value`, which is below 2^53, takes. */
export function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length++;
  return length;
}

/** Writes `value` as a varint and returns the position after it. */
export function putVarint(into: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) into[at++] = (rest % 128) | 128;
  into[at++] = rest;
  return at;
}

function malformed(what: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `The message has ${what}.`, {
    hint: "Check that the peer speaks Arrow Flight: its bytes are not the protobuf that was expected.",
  });
}
