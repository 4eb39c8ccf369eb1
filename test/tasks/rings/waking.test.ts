import test from "ava";
import { playWaking, type WakingCounts } from "./waking.js";

test("whatever the order and wherever workers end, no call is left that an idle worker could take", (t) => {
  const sum: WakingCounts = { steps: 0, ends: 0, calls: 0, cancels: 0, revocations: 0, resumed: 0, pauses: 0 };
  for (let seed = 1; seed <= 100; seed++) {
    try {
      const counts = playWaking(seed, 400);
      for (const key of Object.keys(sum) as (keyof WakingCounts)[]) sum[key] += counts[key];
    } catch (reason) {
      t.fail(`npm run simulate -- --world waking --seed ${seed} --seeds 1: ${(reason as Error).stack}`);
      return;
    }
  }
  // Each kind of event did happen, or the above says nothing.
  for (const [kind, count] of Object.entries(sum)) t.true(count > 50, `${kind}: ${count}`);
  t.log(JSON.stringify(sum));
});

test("a seed replays", (t) => {
  t.deepEqual(playWaking(5, 400), playWaking(5, 400));
});
