import test from "ava";
import { RandomStream } from "../../src/random.js";
import { Box, Discrete } from "../../src/rl/index.js";

test("a box contains its faces and what it samples, nothing beyond", (t) => {
  const box = new Box([-1, 0], [1, 0.5]);
  t.true(box.contains([-1, 0.5]));
  t.false(box.contains([0, 0.6]));
  t.false(box.contains([0]));
  t.false(box.contains([Number.NaN, 0]));
  const random = new RandomStream("box");
  for (let i = 0; i < 100; i++) t.true(box.contains(box.sample(random)));
});

test("a discrete space contains the integers below n and samples all of them", (t) => {
  const space = new Discrete(3);
  t.deepEqual(
    [-1, 0, 2, 3, 0.5].map((x) => space.contains(x)),
    [false, true, true, false, false],
  );
  const random = new RandomStream("discrete");
  t.is(new Set(Array.from({ length: 100 }, () => space.sample(random))).size, 3);
});
