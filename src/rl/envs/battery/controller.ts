import type { Executor, Program } from "../../../tensor/index.js";
import { loadWeights, type PolicyShape, policyGraph } from "../../policy.js";
import { actionBound, capacity } from "./batteries.js";
import { type HouseColumns, requireColumns } from "./columns.js";
import type { Controller } from "./rules.js";

/** The shape of a battery policy: it sees the named columns of its own house and how full its battery is. */
export function batteryPolicy(features: readonly string[], hidden: number): PolicyShape {
  return { features: features.length, state: 1, hidden, actions: 1, bound: actionBound };
}

/**
 * One learned controller for every house of a district, run for all of them in one call of the executor.
 *
 * The features are laid out once as the policy's input, row by row; only the charge is written each hour. Belongs to the
 * thread that made it, and serves the houses it was made for.
 */
export class LearnedController {
  readonly shape: PolicyShape;
  readonly #program: Program;

  constructor(executor: Executor, houses: readonly HouseColumns[], features: readonly string[], hidden: number) {
    const columns = houses.map((house) => requireColumns(house, features));
    const rows = columns[0]?.[0]?.length ?? 0;
    this.shape = batteryPolicy(features, hidden);
    this.#program = executor.compile(policyGraph(this.shape, rows, houses.length));
    const { table } = this.#program.inputs;
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const house of columns) for (const column of house) table![at++] = column[row]!;
    }
  }

  /** The weights by which it acts from now on. */
  load(weights: Float32Array): void {
    loadWeights(this.#program, this.shape, weights);
  }

  /** Decides for every house of a district. */
  readonly act: Controller = (district, actions) => {
    const { inputs, outputs } = this.#program;
    const state = inputs.state!;
    const { stored } = district.batteries;
    inputs.row![0] = district.row;
    for (let i = 0; i < state.length; i++) state[i] = stored[i]! / capacity;
    this.#program.run();
    actions.set(outputs.action!);
  };
}
