import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import test from "ava";
import {
  Batteries,
  BatteryDistrict,
  type Controller,
  cityLearnObservations,
  type HouseColumns,
  runEpisode,
} from "../../src/rl/index.js";
import { readHouses } from "./citylearn.js";
import { type Evaluation, evaluateDistrict, evaluateHouse } from "./citylearn-evaluation.js";
import { fixtureControllers } from "./fixture-controllers.js";

const fixtures = "test/fixtures/citylearn";
const tolerance = 1e-9;
const readJson = (name: string): unknown => JSON.parse(readFileSync(`${fixtures}/${name}`, "utf8"));

/** The largest distance between two rows of numbers; NaN or a missing number counts as infinitely far. */
function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < actual.length; i++) {
    const apart = Math.abs(actual[i]! - expected[i]!);
    worst = Number.isNaN(apart) ? Number.POSITIVE_INFINITY : Math.max(worst, apart);
  }
  return worst;
}

/** A whole episode, kept: five numbers a row and house in the order of the fixtures' CSVs. */
function record(houses: HouseColumns[], controller: Controller) {
  const district = new BatteryDistrict(houses);
  const trajectory: number[][] = [];
  const net = houses.map(() => new Float64Array(district.rows));
  const rewards = new Float64Array(houses.length);
  runEpisode(district, controller, ({ row, batteries }, actions) => {
    for (let i = 0; i < houses.length; i++) {
      trajectory.push([actions[i]!, batteries.stored[i]!, batteries.balance[i]!, district.net[i]!]);
      net[i]![row] = district.net[i]!;
      if (row > 0) rewards[i]! += Math.min(-district.net[i]!, 0);
    }
  });
  return { district, trajectory, net, rewards };
}

for (const policy of ["zero", "rule", "minstd"] as const) {
  test(`a year under "${policy}" is CityLearn's, hour by hour`, (t) => {
    const houses = readHouses(1);
    const { trajectory } = record(houses, fixtureControllers[policy](houses));
    const lines = gunzipSync(readFileSync(`${fixtures}/phase_1_${policy}.csv.gz`))
      .toString()
      .trimEnd()
      .split("\n")
      .slice(1);
    t.is(lines.length, 8760 * 5);
    t.is(trajectory.length, lines.length);
    let worst = 0;
    for (const [i, line] of lines.entries()) {
      const [, , action, ...expected] = line.split(",");
      if (action !== "") worst = Math.max(worst, Math.abs(trajectory[i]![0]! - Number(action)));
      worst = Math.max(worst, distance(trajectory[i]!.slice(1), expected.map(Number)));
    }
    t.true(worst < tolerance, `largest difference ${worst}`);
  });

  test(`the scores of a year under "${policy}" are CityLearn's`, (t) => {
    const houses = readHouses(1);
    const { district, net, rewards } = record(houses, fixtureControllers[policy](houses));
    const summary = (readJson("summary.json") as Record<string, Summary>)[`phase_1_${policy}`]!;
    const { price, emission, ramping, loadFactor, grid, score } = district.scores;
    t.true(
      distance(
        [price, emission, ramping, loadFactor, grid, (price + emission) / 2, score],
        Object.values(summary.challenge_2022),
      ) < tolerance,
    );
    for (const [sums, expected] of [
      [district.sums, summary.district_absolute],
      [district.baseline, summary.district_baseline_no_storage],
    ] as const) {
      const { cost, emissions, ramping, loadFactor } = sums;
      t.true(distance([cost, emissions, ramping, loadFactor], Object.values(expected)) < tolerance);
    }

    const prices = houses[0]!.electricity_pricing!;
    const carbon = houses[0]!.carbon_intensity!;
    const base = houses.map((house) =>
      Float64Array.from(house.non_shiftable_load!, (x, i) => x - house.solar_generation![i]!),
    );
    const evaluations = net.map((x, i) => evaluateHouse(x, base[i]!, prices, carbon));
    const total = (parts: Float64Array[]) =>
      parts[0]!.map((_, row) => parts.reduce((sum, part) => sum + part[row]!, 0));
    const expected = summary.evaluate_1_8_0;
    const near = (actual: Evaluation, wanted: Evaluation) =>
      distance(
        Object.keys(wanted).map((name) => actual[name]!),
        Object.values(wanted),
      ) < tolerance;
    t.true(near(evaluateDistrict(total(net), total(base), evaluations), expected.District!));
    for (const [i, evaluation] of evaluations.entries()) {
      const house = summary.buildings[`Building_${i + 1}`]!;
      t.true(near(evaluation, expected[`Building_${i + 1}`]!));
      t.true(Math.abs(rewards[i]! - house.reward_sum_default!) < tolerance);
      t.true(Math.abs(district.batteries.stored[i]! - house.final_soc_kwh!) < tolerance);
      t.true(Math.abs(district.batteries.capacity[i]! - house.final_capacity_kwh!) < tolerance);
    }
  });
}

interface Summary {
  challenge_2022: Record<string, number>;
  evaluate_1_8_0: Record<string, Evaluation>;
  district_absolute: Record<string, number>;
  district_baseline_no_storage: Record<string, number>;
  buildings: Record<string, Record<string, number>>;
}

for (const policy of ["rule", "minstd"] as const) {
  test(`capacity and efficiency under "${policy}" are CityLearn's`, (t) => {
    const { buildings } = readJson(`phase_1_${policy}_battery_debug.json`) as { buildings: BatteryHistory[] };
    const batteries = new Batteries(buildings.length);
    const steps = buildings[0]!.soc.length;
    for (let row = 1; row < steps; row++) {
      const before = batteries.stored.slice();
      batteries.step(buildings.map((house) => house.action_in[row] ?? 0));
      for (const [i, house] of buildings.entries()) {
        const expected = [house.soc[row]!, house.balance[row]!, house.capacity_history[row]!];
        t.true(distance([batteries.stored[i]!, batteries.balance[i]!, batteries.capacity[i]!], expected) < tolerance);
        const [moved, balance] = [batteries.stored[i]! - before[i]!, batteries.balance[i]!];
        const efficiency = moved >= 0 ? moved / balance : balance / moved;
        if (Math.abs(moved) > 1e-3) t.true(Math.abs(efficiency - house.efficiency_history[row]!) < tolerance);
      }
    }
  });
}

interface BatteryHistory {
  capacity_history: number[];
  efficiency_history: number[];
  soc: number[];
  balance: number[];
  action_in: (number | null)[];
}

test("a battery's edges are CityLearn's", (t) => {
  const cases = readJson("battery_edge_cases.json") as { name: string; rows: EdgeRow[] }[];
  t.true(cases.length > 0);
  for (const { name, rows } of cases) {
    const battery = new Batteries(1);
    for (const [i, row] of rows.entries()) {
      t.true(Math.abs(battery.capacity[0]! - row.capacity_before) < tolerance, `${name} ${i}`);
      battery.step([row.action]);
      const actual = [battery.stored[0]!, battery.balance[0]!, battery.capacity[0]!];
      t.true(distance(actual, [row.soc, row.balance, row.capacity_after]) < tolerance, `${name} ${i}`);
    }
  }
});

interface EdgeRow {
  action: number;
  capacity_before: number;
  soc: number;
  balance: number;
  capacity_after: number;
}

test("the observations are CityLearn's 28, by name and by value", (t) => {
  const fixture = readJson("phase_1_minstd_observations.json") as {
    names: string[];
    observations: Record<string, number[][]>;
  };
  t.deepEqual(cityLearnObservations, fixture.names);
  const houses = readHouses(1);
  const district = new BatteryDistrict(houses);
  const controller = fixtureControllers.minstd(houses);
  const actions = new Float64Array(houses.length);
  let observations = district.reset();
  let compared = 0;
  for (;;) {
    const expected = fixture.observations[district.row];
    if (expected !== undefined) {
      t.true(distance(observations, expected.flat()) < tolerance, `row ${district.row}`);
      compared++;
    }
    for (let i = 0; i < houses.length; i++) {
      t.true(district.observationSpace.contains(observations.subarray(i * 28, (i + 1) * 28)));
    }
    if (district.row === district.rows - 1) break;
    controller(district, actions);
    ({ observations } = district.step(actions));
  }
  t.is(compared, Object.keys(fixture.observations).length);
});

test("an episode terminates once, on the last row, and starts again", (t) => {
  const district = new BatteryDistrict(readHouses(1));
  const actions = new Float64Array(5).fill(0.1);
  let terminated = 0;
  for (let i = 0; i < 8759; i++) terminated += district.step(actions).terminated[0]!;
  t.is(terminated, 1);
  t.throws(() => district.step(actions), { code: "FAILED_PRECONDITION" });
  district.reset();
  t.throws(() => district.step(new Float64Array(4)), { code: "INVALID_ARGUMENT" });
  const first = district.reset().slice();
  t.deepEqual(first, new BatteryDistrict(readHouses(1)).reset());
  t.is(district.step(actions).terminated[0], 0);
});

test("a missing column is named", (t) => {
  const { electricity_pricing, ...rest } = readHouses(1)[0]!;
  t.throws(() => new BatteryDistrict([rest]), { code: "INVALID_ARGUMENT", message: /electricity_pricing/ });
});
