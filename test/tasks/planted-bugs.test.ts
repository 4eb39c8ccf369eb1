import test from "ava";
import { RandomStream } from "../../src/random.js";
import { plant } from "./plant.js";
import { plantedBugs } from "./planted-bugs.js";
import { playWaking } from "./rings/waking.js";
import { simulate } from "./simulator.js";
import { playStoring } from "./storing.js";

/** How many seeds a bug has to show itself. */
const seeds = 2_000;

for (const bug of plantedBugs) {
  test(`found: ${bug.name}`, async (t) => {
    const parts = await plant(bug);
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        if (bug.shows === "scheduler") simulate(new RandomStream("scheduler", seed), parts);
        else if (bug.shows === "waking") playWaking(seed, 400, parts);
        else await playStoring(seed, 200, parts);
      } catch (reason) {
        t.log(`seed ${seed}: ${(reason as Error).message.split("\n")[0]}`);
        t.pass();
        return;
      }
    }
    t.fail(`${seeds} seeds did not find it`);
  });
}
