import { RayflightError } from "../../../error.js";
import type { Step, VectorEnvironment } from "../../environment.js";
import { Box } from "../../spaces.js";
import { actionBound, Batteries, capacity, nominalPower } from "./batteries.js";
import { type Column, cityLearnObservations, type HouseColumns, requireColumns, stateObservations } from "./columns.js";
import { challengeScores, DistrictMeter, type DistrictSums, type Scores } from "./score.js";

/** Where one observed number comes from: a column, or the state of the house's battery or meter. */
type Source = Column | "soc" | "net";

/** What can be chosen about a district. */
export interface BatteryDistrictOptions {
  /** Names of columns and of `stateObservations`, in the order of the observation. Default: CityLearn's 28. */
  observe?: readonly string[];
}

/**
 * The battery environment of the 2022 CityLearn Challenge: one copy a house, one step an hour, one year an episode.
 *
 * Reproduces CityLearn 1.8.0. The columns are read where they lie. An action chosen on row t moves the battery and
 * meets the load, sun and price of row t + 1; row 0 cannot be influenced, yet counts. The episode terminates on the
 * last row. The reward is CityLearn's default, min(-net, 0), of the row just reached.
 */
export class BatteryDistrict implements VectorEnvironment {
  readonly count: number;
  readonly rows: number;
  readonly observationSpace: Box;
  readonly actionSpace = new Box([-actionBound], [actionBound]);
  readonly batteries: Batteries;
  /** Net consumption of every house in the present row [kWh]. */
  readonly net: Float64Array;
  /** What the same houses add up to without batteries. */
  readonly baseline: DistrictSums;

  readonly #load: Column[];
  readonly #solar: Column[];
  readonly #observed: Source[][];
  readonly #meter: DistrictMeter;
  readonly #step: Step;
  #row = 0;

  constructor(houses: readonly HouseColumns[], options: BatteryDistrictOptions = {}) {
    const [first] = houses;
    if (first === undefined) throw new RayflightError("INVALID_ARGUMENT", "A district needs at least one house.");
    const names = options.observe ?? cityLearnObservations;
    const [price, carbon] = requireColumns(first, ["electricity_pricing", "carbon_intensity"]);

    this.count = houses.length;
    this.#load = houses.map((house) => requireColumns(house, ["non_shiftable_load"])[0]!);
    this.#solar = houses.map((house) => requireColumns(house, ["solar_generation"])[0]!);
    this.#observed = houses.map((house) => observedColumns(house, names));
    this.rows = price!.length;
    this.batteries = new Batteries(this.count);
    this.net = new Float64Array(this.count);
    this.#meter = new DistrictMeter(price!, carbon!);
    this.baseline = this.#withoutBatteries();
    this.observationSpace = observationBounds(this.#observed, this.#load, this.#solar);
    this.#step = {
      observations: new Float64Array(this.count * names.length),
      rewards: new Float64Array(this.count),
      terminated: new Uint8Array(this.count),
      truncated: new Uint8Array(this.count),
    };
    this.reset();
  }

  /** The row that the last observation showed. */
  get row(): number {
    return this.#row;
  }

  /** What the rows up to the present one add up to. */
  get sums(): DistrictSums {
    return this.#meter.sums();
  }

  /** The challenge's scores of the episode, once it has terminated. */
  get scores(): Scores {
    return challengeScores(this.sums, this.baseline);
  }

  reset(): Float64Array {
    this.batteries.reset();
    this.#meter.reset();
    this.#step.terminated.fill(0);
    this.#arrive(0);
    return this.#step.observations;
  }

  step(actions: Float64Array): Step {
    if (this.#row === this.rows - 1) {
      throw new RayflightError("FAILED_PRECONDITION", "The episode has terminated.", { hint: "Call reset() first." });
    }
    if (actions.length !== this.count) {
      throw new RayflightError("INVALID_ARGUMENT", `${this.count} houses need as many actions, not ${actions.length}.`);
    }
    this.batteries.step(actions);
    this.#arrive(this.#row + 1);
    if (this.#row === this.rows - 1) this.#step.terminated.fill(1);
    return this.#step;
  }

  #arrive(row: number): void {
    this.#row = row;
    const { balance } = this.batteries;
    for (let i = 0; i < this.count; i++) {
      const net = balance[i]! + this.#load[i]![row]! - this.#solar[i]![row]!;
      this.net[i] = net;
      this.#step.rewards[i] = Math.min(-net, 0);
    }
    this.#meter.add(this.net);
    this.#observe();
  }

  #observe(): void {
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      for (const source of this.#observed[i]!) this.#step.observations[at++] = this.#read(source, i);
    }
  }

  #read(source: Source, house: number): number {
    if (source === "soc") return this.batteries.stored[house]! / capacity;
    if (source === "net") return this.net[house]!;
    return source[this.#row]!;
  }

  #withoutBatteries(): DistrictSums {
    for (let row = 0; row < this.rows; row++) {
      for (let i = 0; i < this.count; i++) this.net[i] = this.#load[i]![row]! - this.#solar[i]![row]!;
      this.#meter.add(this.net);
    }
    return this.#meter.sums();
  }
}

function observedColumns(house: HouseColumns, names: readonly string[]): Source[] {
  return names.map((name) => {
    if (name === stateObservations[0]) return "soc";
    if (name === stateObservations[1]) return "net";
    return requireColumns(house, [name])[0]!;
  });
}

/** Bounds that hold for every house and every row; what a battery adds to consumption is at most its power. */
function observationBounds(observed: Source[][], load: Column[], solar: Column[]): Box {
  const bounds = (source: Source, house: number): [number, number] => {
    if (source === "soc") return [0, 1];
    if (source !== "net") return range(source);
    const [leastLoad, mostLoad] = range(load[house]!);
    const [leastSolar, mostSolar] = range(solar[house]!);
    return [leastLoad - mostSolar - nominalPower, mostLoad - leastSolar + nominalPower];
  };
  const perHouse = observed.map((sources, house) => sources.map((source) => bounds(source, house)));
  const over = (pick: (...values: number[]) => number, end: 0 | 1) =>
    observed[0]!.map((_, i) => pick(...perHouse.map((house) => house[i]![end])));
  return new Box(over(Math.min, 0), over(Math.max, 1));
}

function range(column: Column): [number, number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of column) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}
