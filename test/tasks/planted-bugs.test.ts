import test from "ava";
import { RandomStream } from "../../src/random.js";
import { type PlantedParts, plant } from "./plant.js";
import { type PlantedBug, plantedBugs } from "./planted-bugs.js";
import { BrokenPromise } from "./promises.js";
import { playWaking } from "./rings/waking.js";
import { simulate } from "./simulator.js";
import { playStoring } from "./storing.js";

/** How many seeds a bug has to show itself. */
const seeds = 2_000;

const worlds: Record<PlantedBug["shows"], (seed: number, parts: PlantedParts) => unknown> = {
  scheduler: (seed, parts) => simulate(new RandomStream("scheduler", seed), parts),
  waking: (seed, parts) => playWaking(seed, 400, parts),
  storing: (seed, parts) => playStoring(seed, 200, parts),
};

test("not found: a bug that is none", async (t) => {
  const [{ file, find }] = plantedBugs as [PlantedBug];
  const parts = await plant({ name: "nothing", shows: "scheduler", file, find, replace: find });
  for (const play of Object.values(worlds)) for (let seed = 1; seed <= 50; seed++) await play(seed, parts);
  t.pass();
});

for (const bug of plantedBugs) {
  test(`found: ${bug.name}`, async (t) => {
    const parts = await plant(bug);
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        await worlds[bug.shows](seed, parts);
      } catch (reason) {
        // What falls over shows nothing: the copy may not even run.
        if (!(reason instanceof BrokenPromise)) throw reason;
        t.log(`seed ${seed}: ${reason.message.split("\n")[0]}`);
        t.pass();
        return;
      }
    }
    t.fail(`${seeds} seeds did not find it`);
  });
}
