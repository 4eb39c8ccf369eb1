import { types } from "node:util";
import { Deserializer, Serializer } from "node:v8";
import { RayflightError } from "../error.js";
import { isBareTable, packBare, unpackBare } from "./bare-value.js";
import {
  align,
  format,
  headerWord,
  headStart,
  isForeign,
  makeBytes,
  openTabular,
  readable,
  writeHeader,
  writePieces,
} from "./packed-bytes.js";
import { tableStreams } from "./tabular.js";
import { isPrimitive, type Primitive, type Survey, surveyValue } from "./value-survey.js";
import { bytesOf, makeView, viewType } from "./view-types.js";

/**
 * A value in the form in which it lies in the store and crosses threads. Immutable once made.
 *
 * `bytes` is: u32 format, u32 length of the head, the head (V8's structured clone), then every typed array and every table of
 * the value at an offset that is a multiple of 64, a table as a stream of Arrow IPC messages. More than `inlineLimit` bytes of
 * these make `bytes` a view of a SharedArrayBuffer of its own: then threads share it, and what is read from it are views of it, not
 * copies. A value that is one typed array, ArrayBuffer or table and nothing else has its type in place of the length, and no head
 * (`format.bare`).
 */
export interface PackedValue {
  readonly bytes: Uint8Array;
  /** SharedArrayBuffers that the value itself contains; they travel by reference, as in structured clone. */
  readonly shared?: readonly SharedArrayBuffer[];
  /** What `ValueCodec.toHandle` made of the live objects in the value. */
  readonly handles?: readonly unknown[];
  /** The number under which the store lent `bytes` to this thread. */
  readonly loan?: number;
}

export { inlineLimit } from "./packed-bytes.js";

/** A packed value, or a primitive as it is. */
export type StoredValue = PackedValue | Primitive;

/** How live objects (references, actor handles) travel inside values. */
export interface ValueCodec {
  /** Plain data that stands for `object`, or undefined when it is no live object. */
  toHandle(object: object): unknown;
  /** The inverse, in the thread that unpacks. */
  fromHandle(handle: unknown): object;
  /** Shared memory of at least so many bytes for a value; fresh memory where this is absent. */
  allocate?(bytes: number): SharedArrayBuffer;
  /** Whether a buffer is the store's: views of it are copied, as it does not belong to the value. */
  isStored?(buffer: SharedArrayBuffer): boolean;
}

/** What a host object in the head is. */
const host = {
  /** A view of bytes that lie behind the head: type, offset, length. */
  view: 0,
  /** A view of a SharedArrayBuffer that travels by reference: type, number, offset, length. */
  sharedView: 1,
  /** A live object: number of its handle. */
  handle: 2,
  /** A SharedArrayBuffer itself: number. */
  sharedBuffer: 3,
  /** A table: whether it is one batch, offset, length of its stream. */
  table: 4,
} as const;

class ValueWriter extends Serializer {
  readonly views: { pieces: readonly Uint8Array[]; offset: number }[] = [];
  readonly shared: SharedArrayBuffer[] = [];
  viewBytes = 0;
  readonly #placeholders: Survey["placeholders"];
  readonly #codec: ValueCodec;

  constructor(placeholders: Survey["placeholders"], codec: ValueCodec) {
    super();
    this.#placeholders = placeholders;
    this.#codec = codec;
    treatViewsAsHostObjects(this);
  }

  _writeHostObject(object: NodeJS.ArrayBufferView): void {
    const original = this.#placeholders.get(object);
    if (typeof original === "number") {
      this.writeUint32(host.handle);
      this.writeUint32(original);
    } else if (original instanceof SharedArrayBuffer) {
      this.writeUint32(host.sharedBuffer);
      this.writeUint32(this.#numberOf(original));
    } else if (original !== undefined) {
      const { pieces, byteLength } = tableStreams().tableStream(original);
      this.writeUint32(host.table);
      this.writeUint32("batches" in original ? 0 : 1);
      this.#place(pieces, byteLength);
    } else if (isForeign(object, this.#codec)) {
      this.writeUint32(host.sharedView);
      this.writeUint32(viewType(object));
      this.writeUint32(this.#numberOf(object.buffer as SharedArrayBuffer));
      this.writeDouble(object.byteOffset);
      this.writeDouble(object.byteLength);
    } else {
      this.writeUint32(host.view);
      this.writeUint32(viewType(object));
      this.#place([bytesOf(object)], object.byteLength);
    }
  }

  /** Notes what will lie behind the head, and writes where. */
  #place(pieces: readonly Uint8Array[], byteLength: number): void {
    const offset = align(this.viewBytes);
    this.views.push({ pieces, offset });
    this.viewBytes = offset + byteLength;
    this.writeDouble(offset);
    this.writeDouble(byteLength);
  }

  #numberOf(buffer: SharedArrayBuffer): number {
    const known = this.shared.indexOf(buffer);
    return known >= 0 ? known : this.shared.push(buffer) - 1;
  }
}

class ValueReader extends Deserializer {
  readonly #value: PackedValue;
  readonly #views: number;
  readonly #codec: ValueCodec;

  constructor(value: PackedValue, codec: ValueCodec) {
    const { bytes } = value;
    const headEnd = headStart + headerWord(bytes, 4);
    super(bytes.subarray(headStart, headEnd));
    this.#value = value;
    this.#views = align(headEnd);
    this.#codec = codec;
  }

  _readHostObject(): object {
    const kind = this.readUint32();
    if (kind === host.handle) return this.#codec.fromHandle(this.#value.handles![this.readUint32()]);
    if (kind === host.sharedBuffer) return this.#value.shared![this.readUint32()]!;
    const type = this.readUint32();
    if (kind === host.sharedView) {
      const buffer = this.#value.shared![this.readUint32()]!;
      return makeView(type, buffer, this.readDouble(), this.readDouble());
    }
    const start = this.#views + this.readDouble();
    const bytes = readable(this.#value.bytes, start, this.readDouble());
    if (kind === host.table) return openTabular(bytes, type === 1);
    return makeView(type, bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** What was made of values that are nothing but a table or a typed array. */
const kept = new WeakMap<PackedValue, object>();
/** To copy less is no work. */
const keptSize = 1024;

/**
 * Packs a value: one copy of its bytes, no matter how often it is read. `label` says in errors what the value is.
 * Throws NOT_SERIALIZABLE, naming the path, for functions, promises, symbols and instances of classes, INVALID_ARGUMENT for
 * what takes 4 GiB or more.
 */
export function packValue(value: unknown, codec: ValueCodec, label: string): StoredValue {
  if (isPrimitive(value)) return value;
  const bare = packBare(value as object, codec, label);
  if (bare !== undefined) return bare;
  const survey = surveyValue(value, codec, label);
  const writer = new ValueWriter(survey.placeholders, codec);
  writer.writeHeader();
  writer.writeValue(survey.value);
  const head = writer.releaseBuffer();
  const viewsStart = align(headStart + head.length);
  const size = writer.viewBytes === 0 ? headStart + head.length : viewsStart + writer.viewBytes;
  const bytes = makeBytes(size, writer.viewBytes, codec, label);
  writeHeader(bytes, format.headed, head.length);
  bytes.set(head, headStart);
  for (const { pieces, offset } of writer.views) writePieces(bytes, viewsStart + offset, pieces);
  return {
    bytes,
    ...(writer.shared.length > 0 && { shared: writer.shared }),
    ...(survey.handles.length > 0 && { handles: survey.handles }),
  };
}

/**
 * Reads a value again and again: one that is a typed array of `keptSize` bytes or more, or a table, and nothing else, is made once,
 * and the same one is given each time. Others are unpacked.
 */
export function readValue(stored: StoredValue, codec: ValueCodec): unknown {
  if (isPrimitive(stored) || stored.bytes.byteLength < keptSize) return unpackValue(stored, codec);
  const known = kept.get(stored);
  // Whoever got it may have transferred it.
  if (known !== undefined && (known as Uint8Array).byteLength !== 0) return known;
  const value = unpackValue(stored, codec);
  if (types.isArrayBufferView(value) && !isShared(stored)) kept.set(stored, value);
  return value;
}

/**
 * Unpacks a value. Each call makes a value of its own, but for typed arrays in shared memory, which are views, and for a
 * table that is the whole value, which is made once and then given to whoever asks.
 */
export function unpackValue(stored: StoredValue, codec: ValueCodec): unknown {
  if (isPrimitive(stored)) return stored;
  const written = headerWord(stored.bytes, 0);
  if (written === format.bare) {
    const type = headerWord(stored.bytes, 4);
    if (!isBareTable(type)) return unpackBare(stored, type);
    const table = kept.get(stored) ?? unpackBare(stored, type);
    kept.set(stored, table);
    return table;
  }
  if (written !== format.headed) {
    throw new RayflightError("INTERNAL", `A stored value has format ${written}.`, {
      hint: "All threads of a node must run the same version of rayflight.",
    });
  }
  const reader = new ValueReader(stored, codec);
  reader.readHeader();
  return reader.readValue();
}

/** The shared memory that a value takes of its own: what the store has to account for. */
export function sharedBytes(stored: StoredValue): number {
  return !isPrimitive(stored) && types.isSharedArrayBuffer(stored.bytes.buffer) ? stored.bytes.buffer.byteLength : 0;
}

/** Whether a value's bytes lie in shared memory of their own. */
export function isShared(packed: PackedValue): boolean {
  return types.isSharedArrayBuffer(packed.bytes.buffer);
}

/** All bytes of a value, wherever they lie; 8 for a number. */
export function storedBytes(stored: StoredValue): number {
  if (!isPrimitive(stored)) return stored.bytes.byteLength;
  return typeof stored === "string" ? 2 * stored.length : 8;
}

function treatViewsAsHostObjects(serializer: Serializer): void {
  (
    serializer as unknown as { _setTreatArrayBufferViewsAsHostObjects(on: boolean): void }
  )._setTreatArrayBufferViewsAsHostObjects(true);
}
