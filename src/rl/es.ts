import { RayflightError } from "../error.js";
import { RandomStream } from "../random.js";
import { type Executor, type Graph, GraphBuilder, type Program } from "../tensor/index.js";

/** What Evolution Strategies can be told. */
export interface EsOptions {
  /** Names the noise: with the number of an update and of a pair it gives the same vector on every thread. */
  readonly seed: number;
  /** Members of an update, an even number: pairs of one noise vector, once added and once subtracted. */
  readonly population: number;
  /** Updates in all; what is annealed goes from its first to its last value over them. */
  readonly updates: number;
  /** Deviation of the noise. */
  readonly sigma: Annealed;
  /** How far a weight moves in one update, at most about. */
  readonly stepSize: Annealed;
}

/** A number that goes geometrically from `first`, at the first update, towards `last`, after the last one. */
export interface Annealed {
  readonly first: number;
  readonly last: number;
}

/** The value that an annealed number has at an update, counted from 0. */
export function annealed({ first, last }: Annealed, update: number, updates: number): number {
  return first * (last / first) ** (update / updates);
}

/** Fills `out` with the noise of one pair of one update. */
export function drawNoise(seed: number, update: number, pair: number, out: Float32Array): void {
  new RandomStream(seed, "es", update, pair).fillNormal(out);
}

/** Writes the two members of a pair: `weights` plus, and minus, `sigma` times `noise`. */
export function perturb(
  weights: Float32Array,
  noise: Float32Array,
  sigma: number,
  plus: Float32Array,
  minus: Float32Array,
): void {
  for (let i = 0; i < weights.length; i++) {
    const step = sigma * noise[i]!;
    plus[i] = weights[i]! + step;
    minus[i] = weights[i]! - step;
  }
}

/** The rank of each return among all, from -1/2 (the worst) to 1/2 (the best); equal returns share the mean of their ranks. */
export function centredRanks(returns: ArrayLike<number>): Float64Array {
  const order = Array.from(returns, (_, i) => i).sort((a, b) => returns[a]! - returns[b]!);
  const ranks = new Float64Array(returns.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && returns[order[next]!] === returns[order[first]!]) next++;
    const shared = (first + next - 1) / 2 / (order.length - 1) - 0.5;
    for (let i = first; i < next; i++) ranks[order[i]!] = shared;
  }
  return ranks;
}

const momentum = 0.9;
const squareMomentum = 0.99;

/**
 * The update as a graph: the gradient is the noise weighted by utilities (Salimans et al. 2017), the step is Adam's.
 *
 * Parameters "weights", "mean" and "square"; inputs "noise" [pairs, size], "utilities" [1, pairs] and three scalars that
 * depend on the update only.
 */
export function esGraph(size: number, pairs: number): Graph {
  const graph = new GraphBuilder();
  const weights = graph.parameter("weights", [1, size]);
  const mean = graph.parameter("mean", [1, size]);
  const square = graph.parameter("square", [1, size]);
  const gradient = graph.matmul(graph.input("utilities", [1, pairs]), graph.input("noise", [pairs, size]));

  const nextMean = graph.add(graph.mul(mean, momentum), graph.mul(gradient, 1 - momentum));
  const squared = graph.mul(graph.mul(gradient, gradient), 1 - squareMomentum);
  const nextSquare = graph.add(graph.mul(square, squareMomentum), squared);
  const root = graph.add(graph.sqrt(graph.mul(nextSquare, graph.input("squareScale", []))), 1e-8);
  const direction = graph.div(graph.mul(nextMean, graph.input("meanScale", [])), root);

  graph.assign(mean, nextMean);
  graph.assign(square, nextSquare);
  graph.assign(weights, graph.add(weights, graph.mul(direction, graph.input("stepSize", []))));
  return graph.build();
}

/** Evolution Strategies: asks for returns of perturbed weights, and moves the weights towards the better ones. */
export class EvolutionStrategies {
  readonly options: EsOptions;
  readonly #program: Program;
  readonly #size: number;
  #update = 0;

  constructor(executor: Executor, weights: Float32Array, options: EsOptions) {
    if (!(options.population >= 2) || options.population % 2 !== 0) {
      throw new RayflightError("INVALID_ARGUMENT", `The population is ${options.population}.`, {
        hint: "Members come in pairs: give an even number of at least 2.",
      });
    }
    this.options = options;
    this.#size = weights.length;
    this.#program = executor.compile(esGraph(weights.length, options.population / 2));
    this.#program.parameters.weights!.set(weights);
  }

  /** Updates made so far. */
  get updates(): number {
    return this.#update;
  }

  /** The weights after the updates so far: the learner's own memory, to be copied by who keeps it. */
  get weights(): Float32Array {
    return this.#program.parameters.weights!;
  }

  /** The noise's deviation in the coming update. */
  get sigma(): number {
    return annealed(this.options.sigma, this.#update, this.options.updates);
  }

  /** Makes one update from the returns of all members: of pair `k`, plus at `2k` and minus at `2k + 1`. */
  update(returns: ArrayLike<number>): void {
    const { seed, population, updates, stepSize } = this.options;
    if (returns.length !== population) {
      throw new RayflightError(
        "INVALID_ARGUMENT",
        `${population} members have as many returns, not ${returns.length}.`,
      );
    }
    const { inputs } = this.#program;
    const ranks = centredRanks(returns);
    for (let pair = 0; pair < population / 2; pair++) {
      drawNoise(seed, this.#update, pair, inputs.noise!.subarray(pair * this.#size, (pair + 1) * this.#size));
      inputs.utilities![pair] = ranks[2 * pair]! - ranks[2 * pair + 1]!;
    }
    inputs.stepSize![0] = annealed(stepSize, this.#update, updates);
    this.#update++;
    inputs.meanScale![0] = 1 / (1 - momentum ** this.#update);
    inputs.squareScale![0] = 1 / (1 - squareMomentum ** this.#update);
    this.#program.run();
  }
}
