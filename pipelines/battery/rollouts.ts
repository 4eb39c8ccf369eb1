import * as ray from "rayflight";
import {
  BatteryDistrict,
  type DistrictSums,
  drawNoise,
  LearnedController,
  perturb,
  runEpisode,
  type Scores,
} from "rayflight/rl";
import { createExecutor, type Device } from "rayflight/tensor";
import { featuresOf, housesOf } from "./houses.js";

/** What the learner must know of a district before it can make weights. */
export interface Opened {
  readonly features: readonly string[];
  readonly houses: number;
  /** House-steps of an episode. */
  readonly steps: number;
}

/** Which members of an update to try: noise is drawn from these numbers, so no vector but the weights travels. */
export interface Share {
  readonly seed: number;
  readonly update: number;
  readonly sigma: number;
  readonly pairs: readonly number[];
  /** Whether to try the weights themselves, too. */
  readonly centre: boolean;
}

/** The returns of a share's members, plus and minus in turn, and what the weights themselves are worth. */
export interface Returns {
  readonly members: Float64Array;
  readonly centre: Worth | undefined;
}

/** A year's worth of a district. */
export interface Worth {
  readonly scores: Scores;
  readonly sums: DistrictSums;
}

/** A house's year under a controller: the action of a row is the one that led to it, `soc` and `net` are in kWh. */
export interface HouseYear {
  readonly building: number;
  readonly action: Float64Array;
  readonly soc: Float64Array;
  readonly net: Float64Array;
}

/** Steps the battery environment on a dataset's own columns: an actor, on a thread of its own. */
export class Rollouts {
  #dataset: ray.Dataset | undefined;
  #district: BatteryDistrict | undefined;
  #controller: LearnedController | undefined;
  #buildings: number[] = [];

  /** Opens a dataset and compiles the policy for its houses; the one opened before is given back. */
  async open(dataset: string, device: Device, hidden: number): Promise<Opened> {
    const opened = await ray.data.open(dataset);
    const houses = housesOf(opened);
    const features = featuresOf(opened);
    const columns = houses.map((house) => house.columns);
    this.#dataset?.close();
    this.#dataset = opened;
    this.#buildings = houses.map(({ building }) => building);
    this.#district = new BatteryDistrict(columns, { observe: [] });
    this.#controller = new LearnedController(await createExecutor({ device }), columns, features, hidden);
    return { features, houses: houses.length, steps: houses.length * (this.#district.rows - 1) };
  }

  /** Runs an episode for every member of the share. A member's return is minus the challenge's score. */
  evaluate(weights: Float32Array, share: Share): Returns {
    const vector = () => new Float32Array(weights.length);
    const [noise, plus, minus] = [vector(), vector(), vector()];
    const members = new Float64Array(2 * share.pairs.length);
    for (const [i, pair] of share.pairs.entries()) {
      drawNoise(share.seed, share.update, pair, noise);
      perturb(weights, noise, share.sigma, plus, minus);
      members[2 * i] = -this.#run(plus).scores.score;
      members[2 * i + 1] = -this.#run(minus).scores.score;
    }
    return { members, centre: share.centre ? this.#run(weights) : undefined };
  }

  /** Runs one episode and keeps every hour of every house. */
  replay(weights: Float32Array): { worth: Worth; years: HouseYear[] } {
    const rows = this.#district?.rows ?? 0;
    const column = () => new Float64Array(rows);
    const years = this.#buildings.map((building) => ({ building, action: column(), soc: column(), net: column() }));
    const worth = this.#run(weights, ({ row, batteries, net }, actions) => {
      for (const [i, year] of years.entries()) {
        year.action[row] = row === 0 ? 0 : actions[i]!;
        year.soc[row] = batteries.stored[i]!;
        year.net[row] = net[i]!;
      }
    });
    return { worth, years };
  }

  #run(weights: Float32Array, visit?: Parameters<typeof runEpisode>[2]): Worth {
    if (this.#district === undefined || this.#controller === undefined) throw new Error("Call open() first.");
    this.#controller.load(weights);
    runEpisode(this.#district, this.#controller.act, visit);
    return { scores: this.#district.scores, sums: this.#district.sums };
  }
}
