import test from "ava";
import { annealed, centredRanks, drawNoise, type EsOptions, EvolutionStrategies, perturb } from "../../src/rl/index.js";
import { createExecutor } from "../../src/tensor/index.js";

const executor = await createExecutor({ device: "cpu" });
const constant = (value: number) => ({ first: value, last: value });
const options: EsOptions = {
  seed: 3,
  population: 20,
  updates: 200,
  sigma: constant(0.1),
  stepSize: { first: 0.1, last: 0.001 },
};

/** Returns of all members of the learner's next update, as rollout workers would compute them. */
function returnsOf(learner: EvolutionStrategies, worth: (weights: Float32Array) => number): number[] {
  const vector = () => new Float32Array(learner.weights.length);
  const [noise, plus, minus] = [vector(), vector(), vector()];
  return Array.from({ length: learner.options.population / 2 }, (_, pair) => {
    drawNoise(learner.options.seed, learner.updates, pair, noise);
    perturb(learner.weights, noise, learner.sigma, plus, minus);
    return [worth(plus), worth(minus)];
  }).flat();
}

test("ranks are centred, and equal returns share theirs", (t) => {
  t.deepEqual([...centredRanks([30, 10, 20])], [0.5, -0.5, 0]);
  t.deepEqual([...centredRanks([5, 5])], [0, 0]);
  t.deepEqual([...centredRanks([1, 2, 2, 3, 0])], [-0.25, 0.125, 0.125, 0.5, -0.5]);
});

test("annealing is geometric", (t) => {
  t.is(annealed({ first: 8, last: 2 }, 0, 10), 8);
  t.true(Math.abs(annealed({ first: 8, last: 2 }, 5, 10) - 4) < 1e-12);
});

test("one update is Adam's on the weighted noise, as computed in float64", (t) => {
  const start = Float32Array.of(0.5, -1, 2, 0, 1);
  const learner = new EvolutionStrategies(executor, start, { ...options, population: 6 });
  const returns = [3, 1, 2, 6, 5, 4];
  const ranks = centredRanks(returns);
  const gradient = new Float64Array(5);
  const noise = new Float32Array(5);
  for (let pair = 0; pair < 3; pair++) {
    drawNoise(3, 0, pair, noise);
    for (let i = 0; i < 5; i++) gradient[i]! += (ranks[2 * pair]! - ranks[2 * pair + 1]!) * noise[i]!;
  }
  learner.update(returns);
  for (const [i, g] of gradient.entries()) {
    const expected = start[i]! + (0.1 * g) / (Math.abs(g) + 1e-8); // the first step of Adam is one step size either way
    t.true(Math.abs(learner.weights[i]! - expected) < 1e-6);
  }
});

test("it finds the top of a hill, from each of three seeds", (t) => {
  const top = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const height = (weights: Float32Array) => -weights.reduce((sum, x, i) => sum + (x - top[i]!) ** 2, 0);
  for (const seed of [1, 2, 3]) {
    const learner = new EvolutionStrategies(executor, new Float32Array(12), { ...options, seed });
    const before = height(learner.weights);
    while (learner.updates < options.updates) learner.update(returnsOf(learner, height));
    t.true(height(learner.weights) > before / 100, `seed ${seed}: ${before} to ${height(learner.weights)}`);
  }
});

test("the same seed gives the same weights, another one does not", (t) => {
  const learn = (seed: number) => {
    const learner = new EvolutionStrategies(executor, new Float32Array(7), { ...options, seed });
    for (let i = 0; i < 5; i++) learner.update(returnsOf(learner, (w) => w[0]! - w[6]! ** 2));
    return learner.weights.slice();
  };
  t.deepEqual(learn(1), learn(1));
  t.notDeepEqual(learn(1), learn(2));
});

test("an odd population and a missing return are refused", (t) => {
  const refused = { code: "INVALID_ARGUMENT" };
  t.throws(() => new EvolutionStrategies(executor, new Float32Array(2), { ...options, population: 5 }), refused);
  const learner = new EvolutionStrategies(executor, new Float32Array(2), options);
  t.throws(() => learner.update([1, 2]), refused);
});
