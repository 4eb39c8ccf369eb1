import { readFileSync } from "node:fs";
import test from "ava";
import { normalQuantile, RandomStream, threefry } from "../../src/random.js";

// Known answers published with Random123 (kat_vectors, threefry2x32 20): counter, key, result.
const knownAnswers = [
  [0, 0, 0, 0, 0x6b200159, 0x99ba4efe],
  [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x1cb996fc, 0xbb002be7],
  [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xc4923a9c, 0x483df7a0],
] as const;

test("threefry gives Random123's known answers", (t) => {
  for (const [counter0, counter1, key0, key1, ...expected] of knownAnswers) {
    const block = Int32Array.of(counter0, counter1);
    threefry(key0 | 0, key1 | 0, block);
    t.deepEqual([...new Uint32Array(block.buffer)], expected);
  }
});

test("the normal quantile agrees with CPython's", (t) => {
  const rows = JSON.parse(readFileSync("test/fixtures/random/normal-quantile.json", "utf8")) as [number, number][];
  for (const [p, expected] of rows) {
    t.true(Math.abs(normalQuantile(p) - expected) <= 4e-15 * Math.max(1, Math.abs(expected)), `p = ${p}`);
  }
});

test("a stream is a function of its key alone", (t) => {
  const draw = (stream: RandomStream) => Array.from({ length: 8 }, () => stream.uint32());
  const first = new RandomStream(1, "es", 4, 7);
  const other = new RandomStream(1, "es", 4, 8);
  other.next();
  t.deepEqual(draw(first), draw(new RandomStream(1, "es", 4, 7)));

  const keys: (number | string)[][] = [
    [],
    [0],
    ["0"],
    [""],
    [0, 0],
    ["a", "b"],
    ["ab"],
    ["a\0"],
    ["a"],
    [1, "es", 4, 8],
  ];
  const seen = new Set(keys.map((key) => draw(new RandomStream(...key)).join()));
  t.is(seen.size, keys.length);
  t.deepEqual(draw(new RandomStream(-0)), draw(new RandomStream(0)));
});

test("the numbers of a key never change", (t) => {
  const stream = new RandomStream(2022, "es", 0, 0);
  t.deepEqual(
    [stream.uint32(), stream.uint32(), stream.next(), stream.normal(), stream.integer(1000)],
    [2654832940, 4063549803, 0.06989086909751963, -1.1491679363509413, 341],
  );
});

test("uniform, integer and normal numbers have the moments they should", (t) => {
  const stream = new RandomStream("moments");
  const n = 100_000;
  const normals = new Float64Array(n);
  stream.fillNormal(normals);
  const moment = (power: number) => normals.reduce((sum, x) => sum + x ** power, 0) / n;
  t.true(Math.abs(moment(1)) < 0.02);
  t.true(Math.abs(moment(2) - 1) < 0.03);
  t.true(Math.abs(moment(4) - 3) < 0.15);

  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < n; i++) {
    const x = stream.next();
    if (x < 0 || x >= 1) t.fail(`next() gave ${x}`);
    counts[stream.integer(10)]!++;
  }
  for (const count of counts) t.true(Math.abs(count - n / 10) < 5 * Math.sqrt(n / 10));
});
