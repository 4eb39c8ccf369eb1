import test from "ava";
import { packValue, unpackValue, type ValueCodec } from "../../../src/store/value.js";
import { callWords, readArguments, writeCall } from "../../../src/tasks/rings/records.js";
import { createRing, RingReader, RingWriter } from "../../../src/tasks/rings/ring.js";
import { fitsWords, WordReader, wordsOf, writeStored } from "../../../src/tasks/rings/words.js";

const codec: ValueCodec = {
  toHandle: (object) => ("live" in object ? { kind: "function", name: object.live } : undefined),
  fromHandle: (handle) => ({ live: (handle as { name: string }).name }),
};
const values = [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  1,
  -1,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "",
  "a",
  "ab",
  "lone \ud800 surrogate",
  "é".repeat(64),
  "x\udc00".repeat(100),
  -(10n ** 30n),
  { a: [1, { b: "c" }], d: new Date(5) },
  new Float64Array([1, 2, 3]),
  [{ live: "one" }, { live: "two" }],
];

test("each value takes the words that it says and comes back as it was", (t) => {
  const words = new Int32Array(2048);
  const reader = new WordReader();
  for (const value of values) {
    const stored = packValue(value, codec, "It");
    t.true(fitsWords(stored));
    for (const at of [0, 7]) {
      t.is(writeStored(words, at, stored), at + wordsOf(stored));
      reader.words = words;
      reader.at = at;
      t.deepEqual(unpackValue(reader.read(), codec), value);
      t.is(reader.at, at + wordsOf(stored));
    }
  }
});

test("shared memory and references do not fit words", (t) => {
  t.false(fitsWords(packValue(new Float64Array(100_000), codec, "It")));
  t.false(fitsWords(packValue(new Int32Array(new SharedArrayBuffer(4)), codec, "It")));
  t.false(fitsWords({ bytes: new Uint8Array(1), handles: [{ kind: "ref", object: 1 }] }));
  t.false(fitsWords({ bytes: new Uint8Array(1), handles: [{ kind: "actor", actor: 1 }] }));
});

test("a full ring keeps order: what does not fit waits with its writer", (t) => {
  const ring = createRing(64);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  const count = 500;
  let read = 0;
  const drain = (most: number) => {
    for (let at = reader.peek(); at >= 0 && most > 0; at = reader.peek(), most--) {
      t.is(reader.words[at + 1], read);
      read += 1;
      reader.advance(at);
    }
    reader.release();
  };
  for (let i = 0; i < count; i++) {
    const { words, at } = writer.reserve(2 + (i % 17));
    words[at + 1] = i;
    if (i % 7 === 0) writer.publish();
    if (i % 5 === 0) drain(3);
  }
  t.true(writer.waits);
  while (read < count) {
    writer.publish();
    drain(100);
  }
  t.false(writer.waits);
  t.is(reader.peek(), -1);
});

test("a reader learns that the writer waits for room, however little that is", (t) => {
  const ring = createRing(64);
  const writer = new RingWriter(ring);
  const reader = new RingReader(ring);
  const write = (length: number): void => {
    writer.reserve(length);
    writer.publish();
  };
  const read = (): boolean => {
    for (let at = reader.peek(); at >= 0; at = reader.peek()) reader.advance(at);
    return reader.release();
  };
  write(20);
  t.false(read());
  write(12);
  // Half a ring, which must begin at the front.
  write(32);
  t.false(writer.waits);
  write(30);
  t.true(writer.waits);
  t.true(read());
  writer.publish();
  t.false(writer.waits);
  t.false(read());
  t.false(read());
});

test("a call keeps its arguments", (t) => {
  const stored = values.map((value) => packValue(value, codec, "It"));
  const length = callWords(stored);
  const words = new Int32Array(length + 3);
  writeCall(words, 3, length, 5, 6, 7 * 2 ** 32 + 8, 1e12 + 0.25, stored);
  t.deepEqual(
    readArguments(new WordReader(), words, 3).map((value) => unpackValue(value, codec)),
    values,
  );
});
