import test from "ava";
import { makeBytes } from "../../src/store/packed-bytes.js";
import {
  inlineLimit,
  type PackedValue,
  packValue,
  sharedBytes,
  unpackValue,
  type ValueCodec,
} from "../../src/store/value.js";
import { Outbox } from "../../src/tasks/outbox.js";
import { createThreadWords } from "../../src/tasks/rings/bell.js";
import { SharedMemory } from "../../src/tasks/shared-memory.js";

class Live {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}
const codec: ValueCodec = {
  toHandle: (object) => (object instanceof Live ? { live: object.name } : undefined),
  fromHandle: (handle) => new Live((handle as { live: string }).live),
};
const pack = (value: unknown) => packValue(value, codec, "It");
const trip = (value: unknown) => unpackValue(structuredClone(pack(value)), codec);

test("primitives are stored as they are", (t) => {
  for (const value of [undefined, null, true, 1.5, -0, 5n, "text"]) t.is(pack(value), value);
});

test("every kind of value comes back as it was", (t) => {
  const value = {
    list: [1, "two", null, undefined, [true]],
    map: new Map<unknown, unknown>([[{ key: 1 }, new Set(["a"])]]),
    date: new Date(1e12),
    pattern: /a+/giu,
    error: new TypeError("wrong"),
    boxed: Object(5),
    buffer: new Uint8Array([1, 2, 3]).buffer,
    views: [
      new Uint8Array([1]),
      new Int8Array([-1]),
      new Uint8ClampedArray([300]),
      new Int16Array([-300]),
      new Uint16Array([300]),
      new Int32Array([-70_000]),
      new Uint32Array([70_000]),
      new Float32Array([0.5]),
      new Float64Array([Math.PI]),
      new BigInt64Array([-5n]),
      new BigUint64Array([5n]),
      new DataView(new Uint8Array([9, 8]).buffer, 1),
      Buffer.from("hé"),
      new Float64Array(0),
    ],
    nullPrototype: Object.assign(Object.create(null), { a: 1 }),
  };
  t.deepEqual(trip(value), { ...value, nullPrototype: { a: 1 } });
});

test("a view takes only the bytes that it covers", (t) => {
  const window = new Float32Array(new Float32Array(100_000).fill(7).buffer, 400, 3);
  const { bytes } = pack({ window }) as PackedValue;
  t.true(bytes.length < 1000);
  t.deepEqual(trip({ window }), { window: new Float32Array([7, 7, 7]) });
});

test("identity and cycles within a value are kept", (t) => {
  const shared = new Float64Array(3);
  const value: { a: unknown; b: unknown; live: unknown; self?: unknown } = {
    a: shared,
    b: shared,
    live: new Live("x"),
  };
  value.self = value;
  const back = trip(value) as typeof value;
  t.is(back.a, back.b);
  t.is(back.self, back);
  t.deepEqual(back.live, new Live("x"));
});

test("live objects travel as handles, wherever they are", (t) => {
  const value = { deep: [new Map([["k", new Live("a")]]), new Set([new Live("b")])], top: new Live("a") };
  const packed = pack(value) as PackedValue;
  t.deepEqual(packed.handles, [{ live: "a" }, { live: "b" }, { live: "a" }]);
  t.deepEqual(trip(value), value);
  t.deepEqual(trip(new Live("alone")), new Live("alone"));
});

test("large arrays lie at multiples of 64 in shared memory, and are read without a copy", (t) => {
  const value = {
    small: new Uint8Array([5]),
    a: new Float64Array(inlineLimit / 8).fill(2),
    b: new Int16Array([1, 2, 3]),
  };
  const packed = pack(value) as PackedValue;
  t.true(packed.bytes.buffer instanceof SharedArrayBuffer);
  t.is(sharedBytes(packed), packed.bytes.buffer.byteLength);
  const [one, two] = [unpackValue(packed, codec), unpackValue(packed, codec)] as (typeof value)[];
  t.deepEqual(one, value);
  for (const view of Object.values(one!)) {
    t.is(view.buffer, packed.bytes.buffer as never);
    t.is(view.byteOffset % 64, 0);
  }
  one!.a[0] = 9;
  t.is(two!.a[0], 9);
  t.is(value.a[0], 2);
});

test("small values are copied each time they are read", (t) => {
  const packed = pack({ a: new Float64Array([1]) }) as PackedValue;
  t.is(sharedBytes(packed), 0);
  const one = unpackValue(packed, codec) as { a: Float64Array };
  one.a[0] = 9;
  t.deepEqual(unpackValue(packed, codec), { a: new Float64Array([1]) });
});

test("shared memory inside of a value travels by reference", (t) => {
  const buffer = new SharedArrayBuffer(64);
  const value = { buffer, view: new Int32Array(buffer, 8, 2), again: new Uint8Array(buffer) };
  const packed = pack(value) as PackedValue;
  t.deepEqual(packed.shared, [buffer]);
  const back = unpackValue(packed, codec) as typeof value;
  t.is(back.buffer, buffer);
  back.view[0] = 5;
  t.is(value.again[8], 5);
});

test("what cannot travel is refused with its path", (t) => {
  class Thing {}
  const refused = (value: unknown, message: string) => {
    t.throws(() => pack(value), { code: "NOT_SERIALIZABLE", message: (text) => text.startsWith(message) });
  };
  refused(() => 1, "It is a function.");
  refused({ a: [{ "b-c": function named() {} }] }, 'It, at a[0]["b-c"], is the function named.');
  refused([Promise.resolve()], "It, at [0], is a promise (await it first).");
  refused(new Map([["k", { s: Symbol("x") }]]), "It, at (k).s, is a symbol.");
  refused(new Set([new Thing()]), "It, at (entry), is an instance of the class Thing.");
  refused({ weak: new WeakMap() }, "It, at weak, is an instance of the class WeakMap.");
});

test("what one typed array cannot cover is refused before there is memory for it", (t) => {
  const allocate = () => t.fail("memory was asked for");
  t.throws(() => makeBytes(2 ** 32, 2 ** 32, { ...codec, allocate: allocate as never }, "Argument 1 of f"), {
    code: "INVALID_ARGUMENT",
    message: /^Argument 1 of f takes 4\.0 GiB/,
  } as object);
});

test("memory that the system refuses is not counted: the next value does not wait for it", (t) => {
  const memory = new SharedMemory(createThreadWords(), new Outbox(() => {}));
  t.throws(() => memory.allocate(2 ** 52 + 2 ** 30), { instanceOf: RangeError });
  t.is(memory.allocate(100_000).byteLength, 102_400);
});

test("a value of another format is refused", (t) => {
  const packed = pack({ a: 1 }) as PackedValue;
  new DataView(packed.bytes.buffer).setUint32(0, 99, true);
  t.throws(() => unpackValue(packed, codec), { code: "INTERNAL", message: /format 99/ });
});
