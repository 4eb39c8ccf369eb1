import test from "ava";
import { RandomStream } from "../../src/random.js";
import {
  actionBound,
  BatteryDistrict,
  basicBatteryRule,
  drawNoise,
  EvolutionStrategies,
  type HouseColumns,
  initialWeights,
  LearnedController,
  perturb,
  policySize,
  runEpisode,
} from "../../src/rl/index.js";
import { createExecutor } from "../../src/tensor/index.js";
import { readHouses } from "./citylearn.js";
import { featureNames, withFeatures } from "./features.js";

const executor = await createExecutor({ device: "cpu" });
const hidden = 8;
const observe = [...featureNames, "electrical_storage_soc"];
const learned = withFeatures(readHouses(1));
const unseen = withFeatures(readHouses(2), learned.normalisation).houses;

function randomWeights(controller: LearnedController, seed: number): Float32Array {
  const weights = new Float32Array(policySize(controller.shape));
  new RandomStream("test weights", seed).fillNormal(weights);
  return weights.map((x) => 0.3 * x);
}

/** The policy once more, in float64 and without the tensor executor. */
function reference(weights: Float32Array, observation: Float64Array): number {
  const inputs = observation.length;
  let output = weights.at(-1)!;
  for (let h = 0; h < hidden; h++) {
    let sum = weights[inputs * hidden + h]!;
    for (let i = 0; i < inputs; i++) sum += observation[i]! * weights[i * hidden + h]!;
    output += Math.tanh(sum) * weights[(inputs + 1) * hidden + h]!;
  }
  return actionBound * Math.tanh(output);
}

function scoreOf(houses: readonly HouseColumns[], controller: LearnedController, weights: Float32Array): number {
  const district = new BatteryDistrict(houses, { observe: [] });
  controller.load(weights);
  runEpisode(district, controller.act);
  return district.scores.score;
}

test("the policy in WebAssembly acts on an observation as a reference in float64 does, all year", (t) => {
  const controller = new LearnedController(executor, learned.houses, featureNames, hidden);
  const weights = randomWeights(controller, 1);
  controller.load(weights);
  const district = new BatteryDistrict(learned.houses, { observe });
  const actions = new Float64Array(district.count);
  let observations = district.reset();
  let worst = 0;
  while (district.row < district.rows - 1) {
    controller.act(district, actions);
    for (const [i, action] of actions.entries()) {
      const own = observations.subarray(i * observe.length, (i + 1) * observe.length);
      worst = Math.max(worst, Math.abs(action - reference(weights, own)));
    }
    ({ observations } = district.step(actions));
  }
  t.true(worst < 2e-6, `${worst}`);
  t.true(district.scores.score > 1.01, "the policy did something");
});

test("an environment that observes nothing steps as one that observes all", (t) => {
  const controller = new LearnedController(executor, learned.houses, featureNames, hidden);
  controller.load(randomWeights(controller, 2));
  const [blind, seeing] = [[], observe].map((names) => new BatteryDistrict(learned.houses, { observe: names }));
  for (const district of [blind!, seeing!]) runEpisode(district, controller.act);
  t.deepEqual(blind!.scores, seeing!.scores);
  t.deepEqual(blind!.batteries.stored, seeing!.batteries.stored);
});

test("a house is controlled alone as among others", (t) => {
  const together = new LearnedController(executor, unseen, featureNames, hidden);
  const alone = new LearnedController(executor, [unseen[3]!], featureNames, hidden);
  const weights = randomWeights(together, 3);
  const stored = (houses: readonly HouseColumns[], controller: LearnedController) => {
    const district = new BatteryDistrict(houses, { observe: [] });
    controller.load(weights);
    runEpisode(district, controller.act);
    return district.batteries.stored;
  };
  t.is(stored([unseen[3]!], alone)[0], stored(unseen, together)[3]);
});

test("fifteen small updates beat the basic battery rule, and random weights, on houses that were never seen", (t) => {
  const score = (houses: readonly HouseColumns[]) => {
    const district = new BatteryDistrict(houses, { observe: [] });
    runEpisode(district, basicBatteryRule(houses));
    return district.scores.score;
  };
  t.true(Math.abs(score(learned.houses) - 0.9132) < 5e-5 && Math.abs(score(unseen) - 0.9088) < 5e-5);

  const district = new BatteryDistrict(learned.houses, { observe: [] });
  const controller = new LearnedController(executor, learned.houses, featureNames, hidden);
  const abroad = new LearnedController(executor, unseen, featureNames, hidden);
  const worth = (weights: Float32Array) => {
    controller.load(weights);
    runEpisode(district, controller.act);
    return -district.scores.score;
  };
  for (const seed of [1, 2, 3]) {
    const start = initialWeights(controller.shape, seed);
    const learner = new EvolutionStrategies(executor, start, {
      seed,
      population: 20,
      updates: 15,
      sigma: { first: 0.03, last: 0.02 },
      stepSize: { first: 0.03, last: 0.01 },
    });
    const [noise, plus, minus] = [start.slice(), start.slice(), start.slice()] as const;
    while (learner.updates < 15) {
      const returns: number[] = [];
      for (let pair = 0; pair < 10; pair++) {
        drawNoise(seed, learner.updates, pair, noise);
        perturb(learner.weights, noise, learner.sigma, plus, minus);
        returns.push(worth(plus), worth(minus));
      }
      learner.update(returns);
    }
    const result = scoreOf(unseen, abroad, learner.weights);
    t.true(result < 0.9, `seed ${seed}: ${result}`);
    t.true(scoreOf(unseen, abroad, randomWeights(abroad, seed)) > 1);
  }
});

test("weights of another policy are refused", (t) => {
  const controller = new LearnedController(executor, unseen, featureNames, hidden);
  t.throws(() => controller.load(new Float32Array(3)), { code: "INVALID_ARGUMENT" });
  t.throws(() => new LearnedController(executor, unseen, ["feature_nothing"], hidden), { message: /feature_nothing/ });
});
