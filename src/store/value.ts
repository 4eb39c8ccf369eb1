import { types } from "node:util";
import { Deserializer, Serializer } from "node:v8";
import { RayflightError } from "../error.js";
import { isPrimitive, type Primitive, type Survey, surveyValue } from "./value-survey.js";

/**
 * A value in the form in which it lies in the store and crosses threads. Immutable once made.
 *
 * `bytes` is: u32 format version, u32 length of the head, the head (V8's structured clone), then every typed array of the
 * value at an offset that is a multiple of 64. More than `inlineLimit` bytes of typed arrays make `bytes` a view of a
 * SharedArrayBuffer of its own: then threads share it, and typed arrays read from it are views of it, not copies.
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

/** Typed arrays of one value above this many bytes go to shared memory; below, they are copied along with the message. */
export const inlineLimit = 64 * 1024;

const formatVersion = 1;
const headStart = 8;
const alignment = 64;
const align = (offset: number) => Math.ceil(offset / alignment) * alignment;

/** Which array type a view is; the position is its number in the head. */
const viewTypes = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
  Buffer,
] as const;
const viewNames = viewTypes.map((type) => (type === Buffer ? "Buffer" : type.name));

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
} as const;

class ValueWriter extends Serializer {
  readonly views: { view: NodeJS.ArrayBufferView; offset: number }[] = [];
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
    if (original !== undefined) {
      const isHandle = typeof original === "number";
      this.writeUint32(isHandle ? host.handle : host.sharedBuffer);
      this.writeUint32(isHandle ? original : this.#numberOf(original));
      return;
    }
    const type = Math.max(
      0,
      Buffer.isBuffer(object) ? viewNames.indexOf("Buffer") : viewNames.indexOf(typeName(object)),
    );
    if (types.isSharedArrayBuffer(object.buffer) && !this.#codec.isStored?.(object.buffer)) {
      this.writeUint32(host.sharedView);
      this.writeUint32(type);
      this.writeUint32(this.#numberOf(object.buffer));
      this.writeDouble(object.byteOffset);
    } else {
      this.writeUint32(host.view);
      this.writeUint32(type);
      const offset = align(this.viewBytes);
      this.writeDouble(offset);
      this.views.push({ view: object, offset });
      this.viewBytes = offset + object.byteLength;
    }
    this.writeDouble(object.byteLength);
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
    const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (header.getUint32(0, true) !== formatVersion) {
      throw new RayflightError("INTERNAL", `A stored value has format ${header.getUint32(0, true)}.`, {
        hint: "All threads of a node must run the same version of rayflight.",
      });
    }
    const headEnd = headStart + header.getUint32(4, true);
    super(bytes.subarray(headStart, headEnd));
    this.#value = value;
    this.#views = align(headEnd);
    this.#codec = codec;
  }

  _readHostObject(): object {
    const kind = this.readUint32();
    if (kind === host.handle) return this.#codec.fromHandle(this.#value.handles![this.readUint32()]);
    if (kind === host.sharedBuffer) return this.#value.shared![this.readUint32()]!;
    const type = viewTypes[this.readUint32()]!;
    if (kind === host.sharedView) {
      const buffer = this.#value.shared![this.readUint32()]!;
      return makeView(type, buffer, this.readDouble(), this.readDouble());
    }
    const { bytes } = this.#value;
    const start = bytes.byteOffset + this.#views + this.readDouble();
    const length = this.readDouble();
    if (types.isSharedArrayBuffer(bytes.buffer)) return makeView(type, bytes.buffer, start, length);
    return makeView(type, bytes.buffer.slice(start, start + length), 0, length);
  }
}

/**
 * Packs a value: one copy of its bytes, no matter how often it is read. `label` says in errors what the value is.
 * Throws NOT_SERIALIZABLE, naming the path, for functions, promises, symbols and instances of classes.
 */
export function packValue(value: unknown, codec: ValueCodec, label: string): StoredValue {
  if (isPrimitive(value)) return value;
  const survey = surveyValue(value, codec, label);
  const writer = new ValueWriter(survey.placeholders, codec);
  writer.writeHeader();
  writer.writeValue(survey.value);
  const head = writer.releaseBuffer();
  const viewsStart = align(headStart + head.length);
  const size = writer.viewBytes === 0 ? headStart + head.length : viewsStart + writer.viewBytes;
  const buffer =
    writer.viewBytes > inlineLimit
      ? (codec.allocate?.(size) ?? new SharedArrayBuffer(align(size)))
      : new ArrayBuffer(size);
  const bytes = new Uint8Array(buffer, 0, size);
  const header = new DataView(buffer);
  header.setUint32(0, formatVersion, true);
  header.setUint32(4, head.length, true);
  bytes.set(head, headStart);
  for (const { view, offset } of writer.views) {
    bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), viewsStart + offset);
  }
  return {
    bytes,
    ...(writer.shared.length > 0 && { shared: writer.shared }),
    ...(survey.handles.length > 0 && { handles: survey.handles }),
  };
}

/** Unpacks a value. Each call makes a value of its own, but for typed arrays in shared memory, which are views. */
export function unpackValue(stored: StoredValue, codec: ValueCodec): unknown {
  if (isPrimitive(stored)) return stored;
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

function typeName(view: NodeJS.ArrayBufferView): string {
  if (Buffer.isBuffer(view)) return "Buffer";
  return types.isDataView(view) ? "DataView" : (view as Uint8Array)[Symbol.toStringTag];
}

function makeView(type: (typeof viewTypes)[number], buffer: ArrayBufferLike, start: number, bytes: number): object {
  if (type === Buffer) return Buffer.from(buffer as ArrayBuffer, start, bytes);
  const elementSize = "BYTES_PER_ELEMENT" in type ? (type.BYTES_PER_ELEMENT as number) : 1;
  return new (type as Uint8ArrayConstructor)(buffer, start, bytes / elementSize);
}

function treatViewsAsHostObjects(serializer: Serializer): void {
  (
    serializer as unknown as { _setTreatArrayBufferViewsAsHostObjects(on: boolean): void }
  )._setTreatArrayBufferViewsAsHostObjects(true);
}
