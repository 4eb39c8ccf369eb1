/**
 * Evolution Strategies (Salimans et al. 2017) learn to balance CartPole's pole: 50 actors, 200 iterations, one simulation an
 * actor and iteration. `evolution_strategies.py` beside it is the same in Ray's Python.
 *
 *     node dist/pipelines/ray/evolution-strategies.js
 *     node dist/pipelines/ray/evolution-strategies.js --hosted shared
 */
import * as ray from "rayflight";
import { playEpisode, policySize } from "./cartpole.js";
import { readOptions } from "./es-options.js";
import { createRandom, fillNormal } from "./random.js";

const sigma = 0.1;
const stepSize = 1.5;
const solved = 475;

const Worker = ray.remote(
  class Worker {
    /** The reward of an episode with the policy, changed by the noise that the seed names. */
    doSimulation(policy: Float64Array, seed: number): number {
      const random = createRandom(seed);
      const noise = fillNormal(new Float64Array(policySize), random);
      return playEpisode(
        policy.map((weight, i) => weight + sigma * noise[i]!),
        random,
      );
    }
  },
);

/** Moves the policy along the noise of each seed, as far as its simulation was better or worse than the others. */
function computeUpdate(policy: Float64Array, rewards: readonly number[], seeds: readonly number[]): Float64Array {
  const updated = policy.slice();
  for (const [j, rank] of centredRanks(rewards).entries()) {
    const noise = fillNormal(new Float64Array(policySize), createRandom(seeds[j]!));
    for (let i = 0; i < policySize; i++) updated[i]! += ((stepSize * rank) / rewards.length) * noise[i]!;
  }
  return updated;
}

/** Each number's rank among all, from -1/2 to 1/2; equal ones share the mean of their ranks. */
function centredRanks(numbers: readonly number[]): number[] {
  const below = (x: number) => numbers.filter((other) => other < x).length;
  const upTo = (x: number) => numbers.filter((other) => other <= x).length;
  return numbers.map((x) => (below(x) + upTo(x) - 1) / 2 / (numbers.length - 1) - 0.5);
}

const { workerCount, iterations, hosted, seed, progress, conclude } = readOptions();

await ray.init();
const workers = Array.from({ length: workerCount }, () => Worker.options({ hosted }).remote());
let policy: Float64Array = new Float64Array(policySize);

function seedsOf(iteration: number): number[] {
  const first = 1 + (seed * iterations + iteration) * workerCount;
  return workers.map((_, j) => first + j);
}

// Actors start in the background: the clock starts when all of them are there.
await ray.get(workers.map((worker) => worker.doSimulation.remote(policy, 1)));
const began = performance.now();
let solvedAt: number | undefined;

for (let i = 0; i < iterations; i++) {
  const seeds = seedsOf(i);
  const rewards = await ray.get(workers.map((worker, j) => worker.doSimulation.remote(policy, seeds[j]!)));
  policy = computeUpdate(policy, rewards, seeds);

  const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
  if (mean >= solved) solvedAt ??= i + 1;
  progress(i + 1, mean);
}

const seconds = (performance.now() - began) / 1000;
const episodes = Array.from({ length: 100 }, (_, i) => playEpisode(policy, createRandom(i)));
const reward = episodes.reduce((sum, one) => sum + one, 0) / episodes.length;
await ray.shutdown();
conclude({
  seconds,
  simulations: iterations * workerCount,
  solvedAt: solvedAt ?? null,
  reward,
  solved: reward >= solved,
});
