import test from "ava";
import { playStoring, type StoringCounts } from "./storing.js";

test("random orders of all that can happen to the store keep every promise", async (t) => {
  const seen: Record<string, number> = {};
  for (let seed = 1; seed <= 150; seed++) {
    let counts: StoringCounts;
    try {
      counts = await playStoring(seed, 200);
    } catch (reason) {
      throw new Error(`npm run simulate -- --world storing --seed ${seed} --seeds 1 --log`, { cause: reason });
    }
    for (const [kind, count] of Object.entries(counts)) seen[kind] = (seen[kind] ?? 0) + count;
  }
  t.log(seen);
  // Each kind of event did happen, or the above says nothing.
  for (const [kind, count] of Object.entries(seen)) t.true(count > 10, `${kind}: ${count}`);
});

test("a seed of the store's world replays bit for bit", async (t) => {
  const logs: string[][] = [];
  for (let run = 0; run < 2; run++) {
    const log: string[] = [];
    await playStoring(7, 200, undefined, (line) => log.push(line));
    logs.push(log);
  }
  t.true(logs[0]!.length > 100);
  t.deepEqual(logs[0], logs[1]);
});
