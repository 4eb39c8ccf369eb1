import { deserialize, serialize } from "node:v8";
import { isShared, type PackedValue, type StoredValue } from "../../store/value.js";
import { isPrimitive } from "../../store/value-survey.js";
import type { LiveRecord } from "../live.js";
import type { ObjectId } from "../scheduler/events.js";

/**
 * How a stored value lies in 32-bit words, in rings and on boards: a tag, then what the tag says. Numbers, booleans and
 * short texts, which most arguments and results are, take no buffer and no serializer.
 */
const tag = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  /** A word: a whole number of 32 bits. */
  int: 4,
  /** Two words: a double. */
  double: 5,
  /** Its length, then UTF-16 units, two a word. */
  text: 6,
  /** As text, in decimal. */
  bigint: 7,
  /** Length of the bytes, length of the handles, then both, each filled up to whole words. */
  packed: 8,
  /** The number of a call of the same owner: its result is meant. */
  result: 9,
  /** The id of an object that the node has, as a double: its value is meant. */
  stored: 10,
} as const;

/** An argument that is the result of another call of the same owner, which may not be there yet. */
export class ResultOf {
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }
}

/** An argument that is the value of an object which the node has. Its owner keeps the object until the call has ended. */
export class StoredAt {
  readonly object: ObjectId;

  constructor(object: ObjectId) {
    this.object = object;
  }
}

/** What an argument of a call can be. */
export type CallArgument = StoredValue | ResultOf | StoredAt;
/** What it is once results are resolved. */
export type ResolvedArgument = StoredValue | StoredAt;

/** Texts up to this length are written unit by unit; longer ones through a Buffer. */
const shortText = 64;

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

/**
 * Whether a value can travel in words: not when it brings shared memory, which only messages carry, or references or handles of
 * actors, which the node has to count on their way.
 */
export function fitsWords(stored: StoredValue): boolean {
  if (isPrimitive(stored)) return true;
  if (stored.shared !== undefined || isShared(stored)) return false;
  return (
    stored.handles === undefined ||
    (stored.handles as LiveRecord[]).every(({ kind }) => kind !== "ref" && kind !== "actor")
  );
}

/** How many words an argument takes. */
export function argumentWords(argument: CallArgument): number {
  if (argument instanceof ResultOf) return 2;
  return argument instanceof StoredAt ? 3 : wordsOf(argument);
}

/** Writes an argument at `at`; returns where the next one begins. */
export function writeArgument(words: Int32Array, at: number, argument: CallArgument): number {
  if (argument instanceof StoredAt) {
    words[at] = tag.stored;
    writeDouble(words, at + 1, argument.object);
    return at + 3;
  }
  if (!(argument instanceof ResultOf)) return writeStored(words, at, argument);
  words[at] = tag.result;
  words[at + 1] = argument.number;
  return at + 2;
}

/** How many words a value takes; infinitely many where it does not fit. */
export function wordsOf(stored: StoredValue): number {
  switch (typeof stored) {
    case "number":
      return isInt(stored) ? 2 : 3;
    case "string":
      return 2 + ((stored.length + 1) >> 1);
    case "bigint":
      return 2 + ((String(stored).length + 1) >> 1);
    case "object":
      if (stored === null) return 1;
      if (!fitsWords(stored)) return Number.POSITIVE_INFINITY;
      return 3 + wholeWords(stored.bytes.length) + wholeWords(handlesOf(stored).length);
    default:
      return 1;
  }
}

/** Writes a value at `at`; returns where the next one begins. */
export function writeStored(words: Int32Array, at: number, stored: StoredValue): number {
  switch (typeof stored) {
    case "number":
      if (isInt(stored)) {
        words[at] = tag.int;
        words[at + 1] = stored;
        return at + 2;
      }
      words[at] = tag.double;
      writeDouble(words, at + 1, stored);
      return at + 3;
    case "string":
      words[at] = tag.text;
      return writeText(words, at + 1, stored);
    case "bigint":
      words[at] = tag.bigint;
      return writeText(words, at + 1, String(stored));
    case "boolean":
      words[at] = stored ? tag.true : tag.false;
      return at + 1;
    case "undefined":
      words[at] = tag.undefined;
      return at + 1;
    default:
      if (stored === null) {
        words[at] = tag.null;
        return at + 1;
      }
      return writePacked(words, at, stored);
  }
}

/** Writes a double in two words. */
export function writeDouble(words: Int32Array, at: number, value: number): void {
  double[0] = value;
  words[at] = halves[0]!;
  words[at + 1] = halves[1]!;
}

export function readDouble(words: Int32Array, at: number): number {
  halves[0] = words[at]!;
  halves[1] = words[at + 1]!;
  return double[0]!;
}

/** Reads values one after the other. What it returns shares nothing with the words. */
export class WordReader {
  words: Int32Array = new Int32Array(0);
  at = 0;

  /** If the next argument is the result of a call, reads its number; else returns -1 and reads nothing. */
  readResultOf(): number {
    if (this.words[this.at] !== tag.result) return -1;
    this.at += 2;
    return this.words[this.at - 1]!;
  }

  /** The next argument, of which it is known that it is not the result of a call. */
  readArgument(): ResolvedArgument {
    if (this.words[this.at] !== tag.stored) return this.read();
    this.at += 3;
    return new StoredAt(readDouble(this.words, this.at - 2));
  }

  /** The next value. */
  read(): StoredValue {
    const { words } = this;
    const kind = words[this.at]!;
    this.at += 1;
    switch (kind) {
      case tag.int:
        return words[this.at++]!;
      case tag.double:
        this.at += 2;
        return readDouble(words, this.at - 2);
      case tag.text:
        return this.#text();
      case tag.bigint:
        return BigInt(this.#text());
      case tag.true:
        return true;
      case tag.false:
        return false;
      case tag.null:
        return null;
      case tag.packed:
        return this.#packed();
      default:
        return undefined;
    }
  }

  #text(): string {
    const { words } = this;
    const length = words[this.at]!;
    const at = this.at + 1;
    this.at = at + ((length + 1) >> 1);
    if (length > shortText) {
      return Buffer.from(words.buffer as ArrayBuffer, words.byteOffset + at * 4, length * 2).toString("utf16le");
    }
    let text = "";
    for (let i = 0; i < length; i++) {
      const word = words[at + (i >> 1)]!;
      text += String.fromCharCode((i & 1) === 0 ? word & 0xffff : word >>> 16);
    }
    return text;
  }

  #packed(): PackedValue {
    const length = this.words[this.at]!;
    const handles = this.words[this.at + 1]!;
    this.at += 2;
    const bytes = this.#bytes(length);
    return handles === 0 ? { bytes } : { bytes, handles: deserialize(this.#bytes(handles)) as unknown[] };
  }

  #bytes(length: number): Uint8Array {
    const { words } = this;
    const copy = new Uint8Array(length);
    copy.set(new Uint8Array(words.buffer, words.byteOffset + this.at * 4, length));
    this.at += wholeWords(length);
    return copy;
  }
}

function isInt(value: number): boolean {
  return (value | 0) === value && !(value === 0 && 1 / value < 0);
}

function wholeWords(bytes: number): number {
  return (bytes + 3) >> 2;
}

function writeText(words: Int32Array, at: number, text: string): number {
  const { length } = text;
  words[at] = length;
  const begin = at + 1;
  if (length > shortText) {
    Buffer.from(words.buffer as ArrayBuffer, words.byteOffset + begin * 4, length * 2).write(text, "utf16le");
  } else {
    for (let i = 0; i < length; i += 2) {
      words[begin + (i >> 1)] = text.charCodeAt(i) | ((i + 1 < length ? text.charCodeAt(i + 1) : 0) << 16);
    }
  }
  return begin + ((length + 1) >> 1);
}

const noBytes = new Uint8Array(0);
const encodedHandles = new WeakMap<PackedValue, Uint8Array>();

/** Serialized once, though it is measured before it is written. */
function handlesOf(packed: PackedValue): Uint8Array {
  if (packed.handles === undefined) return noBytes;
  let bytes = encodedHandles.get(packed);
  if (bytes === undefined) {
    bytes = serialize(packed.handles);
    encodedHandles.set(packed, bytes);
  }
  return bytes;
}

function writePacked(words: Int32Array, at: number, packed: PackedValue): number {
  const { bytes } = packed;
  const handles = handlesOf(packed);
  words[at] = tag.packed;
  words[at + 1] = bytes.length;
  words[at + 2] = handles.length;
  const target = new Uint8Array(words.buffer, words.byteOffset);
  let next = at + 3;
  for (const part of [bytes, handles]) {
    target.set(part, next * 4);
    next += wholeWords(part.length);
  }
  return next;
}
