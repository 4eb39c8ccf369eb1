import * as ray from "rayflight";
import type { HouseYear } from "./rollouts.js";

/** One update, as it is told to whoever follows the run. Scores are those of the weights that the update started from. */
export interface Iteration {
  /** Counted from 1. */
  readonly iteration: number;
  /** Mean over the perturbed members. */
  readonly return: number;
  readonly score: number;
  readonly price_cost: number;
  readonly emission_cost: number;
  readonly grid_cost: number;
  /** The district's year [$]. */
  readonly cost: number;
  /** The district's year [kg CO2]. */
  readonly emissions: number;
  /** House-steps of this update. */
  readonly steps: number;
  readonly steps_per_second: number;
  readonly seconds: number;
}

const iterationColumns = {
  iteration: "int32",
  return: "float64",
  score: "float64",
  price_cost: "float64",
  emission_cost: "float64",
  grid_cost: "float64",
  cost: "float64",
  emissions: "float64",
  steps: "float64",
  steps_per_second: "float64",
  seconds: "float64",
} as const satisfies Record<keyof Iteration, "int32" | "float64">;

const actionColumns = {
  phase: "int32",
  building: "int32",
  t: "int32",
  action: "float64",
  soc: "float64",
  net: "float64",
} as const;

/** The live streams of one run: readers see each row as soon as it is appended. */
export interface Results {
  /** Adds the row of an update; resolves when readers can see it. */
  iteration(row: Iteration): Promise<void>;
  /** Adds a house's year under the learned controller. */
  year(phase: number, year: HouseYear): Promise<void>;
  /** Ends both streams: from now on they are datasets. */
  close(): Promise<void>;
  /** Ends both streams with an error for their readers. */
  fail(reason: unknown): Promise<void>;
}

/** Creates the streams battery/runs/<run>/iterations and .../actions. */
export async function createResults(run: string): Promise<Results> {
  const iterations = await ray.data.createStream(`battery/runs/${run}/iterations`, iterationColumns);
  const actions = await ray.data.createStream(`battery/runs/${run}/actions`, actionColumns);
  return {
    iteration: (row) => iterations.append(Object.fromEntries(Object.entries(row).map(([name, x]) => [name, [x]]))),
    year: (phase, { building, action, soc, net }) => {
      const filled = (value: number) => new Int32Array(net.length).fill(value);
      const t = Int32Array.from(net, (_, row) => row);
      return actions.append({ phase: filled(phase), building: filled(building), t, action, soc, net });
    },
    close: async () => {
      await Promise.all([iterations.close(), actions.close()]);
    },
    fail: async (reason) => {
      await Promise.all([iterations.fail(reason), actions.fail(reason)]);
    },
  };
}
