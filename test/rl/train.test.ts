import test from "ava";
import * as ray from "rayflight";
import { housesOf } from "../../pipelines/battery/houses.js";
import { defaults, type TrainOptions, train } from "../../pipelines/battery/train.js";
import { writeBatteryDatasets } from "./battery-dataset.js";
import { ColumnProbe } from "./column-probe.js";

const small: TrainOptions = { ...defaults, seed: 5, updates: 3, population: 6 };

test.before(async () => {
  await ray.init({ numCpus: 2 });
  await writeBatteryDatasets();
});

test.after.always(() => ray.shutdown());

test.serial("one seed gives the same weights with one worker, two and three, and another seed others", async (t) => {
  const one = await train({ ...small, workers: 1, run: "one" });
  const two = await train({ ...small, workers: 2, run: "two" });
  const three = await train({ ...small, workers: 3, run: "three" });
  const other = await train({ ...small, seed: 6, run: "other" });
  t.regex(one.hash, /^[0-9a-f]{64}$/);
  t.is(two.hash, one.hash);
  t.is(three.hash, one.hash);
  t.not(other.hash, one.hash);
  t.deepEqual(two.scores, one.scores);
});

test.serial("rollouts ran in actors, on worker threads of their own", async (t) => {
  const { run } = small;
  const before = new Set((await ray.state("actors")).map(({ id }) => id));
  await train({ ...small, run: `${run}-state` });
  const actors = (await ray.state("actors")).filter(({ id }) => !before.has(id));
  t.deepEqual(actors.map(({ className }) => className), ["Rollouts", "Rollouts"]); // biome-ignore format: one line
  t.is(new Set(actors.map(({ worker }) => worker)).size, 2);
  const tasks = await ray.state("tasks");
  for (const { id } of actors) {
    const calls = tasks.filter(
      ({ actor, name, state }) => actor === id && /evaluate/.test(name) && state === "finished",
    );
    t.is(calls.length, small.updates);
    t.is(new Set(calls.map(({ worker }) => worker)).size, 1);
  }
  const alive = async () => (await ray.state("actors")).filter(({ state }) => state !== "dead");
  while ((await alive()).length > 0); // they are killed when training ends; the table follows
});

test.serial("the first update can be read while training goes on, and the whole run afterwards", async (t) => {
  const training = new AbortController();
  const endless = train({ ...small, updates: 1e6, run: "live", signal: training.signal });
  const live = await ray.data.waitFor("battery/runs/live/iterations");
  live.close();
  for await (const batch of ray.data.follow("battery/runs/live/iterations")) {
    if (batch.numRows === 0) continue;
    t.is(batch.get(0)?.iteration, 1);
    break;
  }
  training.abort();
  await t.throwsAsync(endless);
  await t.throwsAsync(async () => {
    for await (const _ of ray.data.follow("battery/runs/live/iterations")) t.pass();
  });

  const { iterations } = await train({ ...small, run: "whole" });
  using rows = await ray.data.open("battery/runs/whole/iterations");
  t.is(rows.state, "sealed");
  t.deepEqual(
    rows.batches.flatMap((batch) => [...batch].map((row) => row.toJSON())),
    iterations.map((row) => ({ ...row })),
  );
  t.deepEqual(iterations.map(({ iteration }) => iteration), [1, 2, 3]); // biome-ignore format: one line
  t.true(Math.abs(iterations[0]!.score - 1) < 1e-9, "weights to start from leave the batteries alone");

  using actions = await ray.data.open("battery/runs/whole/actions");
  t.is(actions.rows, 17 * 8760);
  const buildings = actions.column("building").map(([first]) => first);
  t.deepEqual(
    buildings,
    Array.from({ length: 17 }, (_, i) => i + 1),
  );
  t.deepEqual(actions.column("phase").map(([first]) => first), [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]); // biome-ignore format: one line
});

test.serial("the columns that actors step on are the store's own memory", async (t) => {
  const probe = ray.remote(ColumnProbe).remote();
  t.is(await ray.get(probe.open.remote("battery/phase_2")), 23);
  const seen = await ray.get(probe.look.remote());
  t.true(seen.length > 5 * 48);
  t.true(seen.every(({ shared }) => shared));

  using dataset = await ray.data.open("battery/phase_2");
  const houses = housesOf(dataset);
  const net = await ray.get(probe.firstNet.remote());
  for (const { columns } of houses) {
    for (const [name, values] of Object.entries(columns)) if (name !== "t" && name !== "building") values[0]! += 1;
    columns.non_shiftable_load![0]! += 41;
  }
  // Nobody may write to columns; a test that does sees at once whether the other thread has a copy.
  const marked = await ray.get(probe.look.remote());
  for (const [i, { name, first }] of marked.entries()) {
    const added = name === "t" || name === "building" ? 0 : name === "non_shiftable_load" ? 42 : 1;
    t.true(Math.abs(first - seen[i]!.first - added) < 1e-5, name);
  }
  const after = await ray.get(probe.firstNet.remote());
  for (const [i, value] of after.entries()) t.true(Math.abs(value - net[i]! - 41) < 1e-9);
  ray.kill(probe);
});

test.serial("training without workers, or on a GPU, is refused and does nothing", async (t) => {
  const actors = (await ray.state("actors")).length;
  await t.throwsAsync(train({ ...small, workers: 0, run: "none" }), { code: "INVALID_ARGUMENT", message: /workers/ });
  await t.throwsAsync(train({ ...small, device: "gpu", run: "none" }), { code: "DEVICE_UNAVAILABLE" });
  t.false(await ray.data.exists("battery/runs/none/iterations"));
  t.is((await ray.state("actors")).length, actors);
});

test.serial("it waits for its dataset, and stops waiting when it is told to", async (t) => {
  await ray.data.remove("battery/phase_1");
  const waiting = new AbortController();
  const training = train({ ...small, run: "waits", signal: waiting.signal });
  waiting.abort(new Error("enough"));
  await t.throwsAsync(training);
  t.false(await ray.data.exists("battery/runs/waits/iterations"));
});

test.serial("training on a node without task threads fails: the driver does not step in for them", async (t) => {
  await ray.shutdown();
  await ray.init({ numCpus: 0 });
  await writeBatteryDatasets([1]);
  await t.throwsAsync(train({ ...small, run: "alone" }), { code: "FAILED_PRECONDITION" });
});
