import { execFile } from "node:child_process";
import { promisify } from "node:util";
import test from "ava";
import { compare, quantile } from "./measure.js";

test("two sides are measured in turns, after a round that does not count", async (t) => {
  const turns: string[] = [];
  const side = (name: string, values: number[]) => () => {
    turns.push(name);
    return values.shift()!;
  };
  const figure = await compare({
    name: "speed",
    unit: "GB/s",
    peer: "theirs",
    target: 0.8,
    rounds: 5,
    ours: side("ours", [100, 1, 2, 3, 4, 5]),
    peers: side("peers", [0.1, 2, 2, 2, 2, 2]),
  });
  t.is(turns.join(" "), "peers ours ours peers peers ours ours peers peers ours ours peers");
  t.like(figure, { value: 3, peer_value: 2, ratio: 1.5, holds: true, rounds: 5 });
  t.deepEqual(figure.quartiles, [2, 4]);
  t.deepEqual(figure.ratio_quartiles, [1, 2]);
});

test("the ratio is the median of the rounds' own, and of seconds the fewer are better", async (t) => {
  const ours = [9, 1, 10, 4];
  const peers = [9, 3, 20, 4];
  const comparison = { name: "", unit: "s", peer: "", target: 2.5, rounds: 3, smallerIsBetter: true };
  const figure = await compare({ ...comparison, ours: () => ours.shift()!, peers: () => peers.shift()! });
  t.is(figure.ratio, 2);
  t.false(figure.holds);
});

test("quantiles lie between neighbours", (t) => {
  t.is(quantile([4, 1, 3, 2], 0.5), 2.5);
  t.is(quantile([7], 0.25), 7);
  t.throws(() => quantile([], 0.5), { instanceOf: RangeError });
});

test("npm run bench names its rooms, and refuses one that there is not", async (t) => {
  const run = promisify(execFile);
  t.regex((await run(process.execPath, ["dist/test/bench/run.js", "--help"])).stdout, /^ {2}bridge +DoPut/m);
  const refused = await t.throwsAsync(run(process.execPath, ["dist/test/bench/run.js", "attic"]));
  t.like(refused, { code: 2 });
  t.regex(refused.message, /There is no room "attic"/);
});
