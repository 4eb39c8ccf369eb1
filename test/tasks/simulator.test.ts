import test from "ava";
import { RandomStream } from "../../src/random.js";
import { type Counts, noCounts, simulate } from "./simulator.js";

/** One history; its error says how to see it again. */
function play(seed: number): Counts {
  try {
    return simulate(new RandomStream("scheduler", seed));
  } catch (reason) {
    throw new Error(`npm run simulate -- --world scheduler --seed ${seed} --seeds 1 --log`, { cause: reason });
  }
}

test("random interleavings of everything that can happen keep every promise of the scheduler", (t) => {
  const seen = noCounts();
  for (let seed = 0; seed < 1_000; seed++) {
    const counts = play(seed);
    for (const key of Object.keys(seen) as (keyof typeof seen)[]) seen[key] += counts[key];
  }
  // Each kind of event did happen, or the above says nothing.
  for (const [kind, count] of Object.entries(seen)) t.true(count > 100, `${kind}: ${count}`);
});

test("a seed replays bit for bit", (t) => {
  const logs = [1, 2].map(() => {
    const log: string[] = [];
    simulate(new RandomStream("scheduler", 7), undefined, (line) => log.push(line));
    return log;
  });
  t.true(logs[0]!.length > 100);
  t.deepEqual(logs[0], logs[1]);
});
