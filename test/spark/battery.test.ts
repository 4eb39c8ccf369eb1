import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { type RayflightProcess, startRayflight } from "../endpoint/rayflight-process.js";

const source = ".data/citylearn-1.8.0/citylearn/data";
const changedFrom = 5000;

let rayflight: RayflightProcess;
let folder: string;

test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), "rayflight-battery-"));
  rayflight = await startRayflight();
});

test.after.always(async () => {
  await rayflight?.end();
  await rm(folder, { recursive: true, force: true });
});

async function python(...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(".venv/bin/python", args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PYTHONPATH: "test/spark:pipelines/battery" },
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** The houses of one phase, `building` standing in for each under its number; `edit` changes a CSV's lines. */
async function copyPhase(phase: number, houses: Record<number, number>, edit = (line: string, _row: number) => line) {
  const from = (building: number) => join(source, `citylearn_challenge_2022_phase_${building <= 5 ? 1 : 2}`);
  const to = join(folder, `citylearn/data/citylearn_challenge_2022_phase_${phase}`);
  await mkdir(to, { recursive: true });
  const schema = { buildings: {} as Record<string, unknown> };
  for (const [name, building] of Object.entries(houses)) {
    const text = await readFile(join(from(building), `Building_${building}.csv`), "utf8");
    const lines = text.split("\n").map((line, index) => (index === 0 || line === "" ? line : edit(line, index - 1)));
    await writeFile(join(to, `Building_${name}.csv`), lines.join("\n"));
    const known = JSON.parse(await readFile(join(from(building), "schema.json"), "utf8"));
    schema.buildings[`Building_${name}`] = known.buildings[`Building_${building}`];
  }
  await writeFile(join(to, "schema.json"), JSON.stringify(schema));
  for (const name of ["weather.csv", "pricing.csv", "carbon_intensity.csv"]) {
    await copyFile(join(source, "citylearn_challenge_2022_phase_1", name), join(to, name));
  }
}

test.serial("a missing folder, a missing house and an hour without a value are named", async (t) => {
  t.timeout(240_000);
  const prepare = (...args: string[]) => python("pipelines/battery/prepare.py", "--uri", rayflight.uri, ...args);
  const nowhere = await prepare("--data", join(folder, "nowhere"));
  t.is(nowhere.code, 1);
  t.regex(nowhere.err, /^error: There is no .*nowhere.* Give --data .*\n$/);

  await copyPhase(1, { 1: 1 });
  await copyPhase(2, { 6: 6 });
  await copyPhase(3, { 11: 6 }, (line, row) => (row === 77 ? line.replace(/,[^,]*$/, ",") : line));
  const gap = await prepare("--data", folder);
  t.is(gap.code, 1);
  t.regex(
    gap.err,
    /^error: House 11 of phase 3 has 8760 rows, 1 of them incomplete.* Fetch CityLearn 1\.8\.0 again\.\n$/,
  );
  await rm(join(folder, "citylearn/data/citylearn_challenge_2022_phase_2/Building_6.csv"));
  const absent = await prepare("--data", folder);
  t.is(absent.code, 1);
  t.regex(absent.err, /^error: House 6 of phase 2 has 0 rows.* Fetch CityLearn 1\.8\.0 again\.\n$/);
});

test.serial("prepare.py writes what the CSVs say, and no feature sees a later load or sun", async (t) => {
  t.timeout(240_000);
  await rm(join(folder, "citylearn"), { recursive: true });
  const later = (line: string, row: number) => {
    const cells = line.split(",");
    if (row >= changedFrom) {
      cells[7] = String(Number(cells[7]) + 1);
      cells[11] = String(Number(cells[11]) + 100);
    }
    return cells.join(",");
  };
  await copyPhase(1, { 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 });
  await copyPhase(2, { 6: 6 });
  await copyPhase(3, { 11: 6 }, later);
  const prepared = await python("pipelines/battery/prepare.py", "--uri", rayflight.uri, "--data", folder);
  t.is(prepared.code, 0, prepared.err);
  t.is(prepared.err, "");
  t.regex(prepared.out, /battery\/phase_3 sealed: 1 parts, 8760 rows/);

  const checked = await python("test/spark/prepared.py", rayflight.uri, folder);
  const seen = JSON.parse(checked.out || `"${checked.err}"`);
  t.deepEqual(seen.wrong, []);
  t.deepEqual(seen.houses, [1, 2, 3, 4, 5, 6, 11]);
  t.is(seen.layouts.length, 1);
  const columns: string[] = seen.layouts[0].split(",");
  t.deepEqual(columns.slice(0, 5), ["building:int32", "t:int32", "month:int32", "day_type:int32", "hour:int32"]);
  t.is(columns.filter((column) => column.startsWith("feature_")).length, 23);
  t.true(
    columns.slice(5).every((column) => /^feature_.*:float$|^[^?]*:double$/.test(column)),
    seen.layouts[0],
  );
  const { non_shiftable_load: load, solar_generation: solar, ...features } = seen.changed;
  t.is(load, changedFrom);
  t.is(solar, changedFrom);
  t.deepEqual(features, {
    feature_load: changedFrom,
    feature_load_lag1: changedFrom + 1,
    feature_load_lag24: changedFrom + 24,
    feature_load_next: changedFrom + 23,
    feature_solar: changedFrom,
    feature_solar_lag1: changedFrom + 1,
    feature_solar_lag24: changedFrom + 24,
    feature_solar_next: changedFrom + 23,
  });
});

test.serial(
  "report.py scores CityLearn's own trajectory as CityLearn does, and fails what does not beat the rule",
  async (t) => {
    t.timeout(240_000);
    const made = await python("test/spark/runs.py", rayflight.uri, "test/fixtures/citylearn/phase_1_rule.csv.gz");
    t.true(JSON.parse(made.out || `"${made.err}"`).difference <= 1e-9);

    const out = join(folder, "out");
    const json = join(folder, "report.json");
    const report = (run: string) =>
      python("pipelines/battery/report.py", "--uri", rayflight.uri, "--run", run, "--out", out, "--json", json);
    const { code, out: printed, err } = await report("fixture");
    t.regex(
      err,
      /^error: on phase 1 the learned controller scores 0\.9288, the basic rule 0\.9132; on phase 2 .*seed\.\n$/,
    );
    t.is(code, 1);
    t.regex(printed, /phase 1, learned from[\s\S]*house 5[\s\S]*total[\s\S]*phase 2, never seen[\s\S]*house 6/);
    t.regex(printed, /they are the actual values/);

    const { phases, max_difference } = JSON.parse(await readFile(json, "utf8"));
    t.true(max_difference <= 1e-9);
    const known = JSON.parse(await readFile("test/fixtures/citylearn/summary.json", "utf8")).phase_1_rule
      .challenge_2022;
    const { none, rule, learned } = phases["1"].total;
    for (const [part, value] of [
      ["price", known.price_cost],
      ["emission", known.emission_cost],
      ["grid", known.grid_cost],
      ["score", known.score_3],
    ] as const) {
      t.true(Math.abs(learned[part] - value) < 1e-9, `${part}: ${learned[part]}, not ${value}`);
      t.is(none[part], 1);
    }
    t.is(rule.score.toFixed(4), "0.9132");
    t.deepEqual(Object.keys(phases["1"]), ["total", "1", "2", "3", "4", "5"].sort());
    for (const name of ["learning-curve", "one-week"]) {
      t.true((await readFile(join(out, `${name}.svg`), "utf8")).includes("<svg"));
      t.true((await stat(join(out, `${name}.png`))).size > 10_000);
    }
  },
);

for (const [run, pattern] of [
  ["tampered", /differs by 1\.0e-06 kWh from what its actions give/],
  ["unfinished", /has no actions for 1 hours of house 11 \(phase 3\)\. Wait until its training has ended/],
  ["unknown", /no dataset "battery\/runs\/unknown\/iterations"/],
] as const) {
  test.serial(`report.py refuses a run that is ${run}`, async (t) => {
    t.timeout(120_000);
    const refused = await python("pipelines/battery/report.py", "--uri", rayflight.uri, "--run", run, "--out", folder);
    t.is(refused.code, 1);
    t.regex(refused.err, /^error: .*\n$/);
    t.regex(refused.err, pattern);
  });
}
