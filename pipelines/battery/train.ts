/**
 * Trains one battery controller for every house, by Evolution Strategies on rollout actors.
 *
 * Waits for the dataset battery/phase_1, which prepare.py writes. Each update puts the weights into the object store once;
 * actors on threads of their own try perturbed copies for a year each and send returns back; the learner moves the
 * weights. Every update appends a row to battery/runs/<run>/iterations, and the end writes what the controller does, hour
 * by hour, on phases 1, 2 and 3 to battery/runs/<run>/actions. One seed gives the same weights whatever the number of workers.
 */
import { createHash } from "node:crypto";
import * as ray from "rayflight";
import { batteryPolicy, EvolutionStrategies, initialWeights, type Scores } from "rayflight/rl";
import { createExecutor, type Device } from "rayflight/tensor";
import { createResults, type Iteration, type Results } from "./results.js";
import { type Returns, Rollouts } from "./rollouts.js";

export interface TrainOptions {
  seed: number;
  updates: number;
  /** Rollout actors, each on a thread of its own. */
  workers: number;
  /** Members of an update: an even number. */
  population?: number;
  /** The results' place: battery/runs/<run>. */
  run: string;
  device: Device;
  signal?: AbortSignal;
}

export interface TrainResult {
  readonly weights: Float32Array;
  /** SHA-256 of the weights' bytes. */
  readonly hash: string;
  /** What the weights are worth, by phase. */
  readonly scores: Readonly<Record<number, Scores>>;
  readonly iterations: readonly Iteration[];
  /** From the first update's start to the last one's end. */
  readonly seconds: number;
}

/** What `train` uses where main.ts is not told otherwise. */
export const defaults = { seed: 1, updates: 400, workers: 2, population: 32, device: "cpu", run: "latest" } as const;

const hidden = 8;
const sigma = { first: 0.02, last: 0.005 };
const stepSize = { first: 0.02, last: 0.002 };
const learnedPhase = 1;
const phases = [1, 2, 3];

/** Trains and writes the results. Needs a session (`ray.init`). Rejects when there is no worker, and when `signal` aborts. */
export async function train(options: TrainOptions): Promise<TrainResult> {
  const { seed, updates, workers, population = defaults.population, run, device, signal } = options;
  if (!(workers >= 1)) {
    throw new ray.RayflightError("INVALID_ARGUMENT", `Training got ${workers} workers.`, {
      hint: "It has nothing but rollout actors to step the environment: give at least 1.",
    });
  }
  const executor = await createExecutor({ device });
  say(`waits for battery/phase_${learnedPhase}`);
  (await ray.data.waitFor(`battery/phase_${learnedPhase}`, signal && { signal })).close();

  const results = await createResults(run);
  const RolloutActor = ray.remote(Rollouts);
  const actors = Array.from({ length: workers }, () => RolloutActor.remote());
  try {
    const wait = signal === undefined ? {} : { signal };
    const opening = actors.map((actor) => actor.open.remote(`battery/phase_${learnedPhase}`, device, hidden));
    const { features, houses, steps } = (await ray.get(opening, wait))[0]!;
    say(
      `${workers} actors step ${houses} houses; the policy sees ${features.length} features and its battery's charge`,
    );

    const weights = initialWeights(batteryPolicy(features, hidden), seed);
    const learner = new EvolutionStrategies(executor, weights, { seed, population, updates, sigma, stepSize });
    const shares = shareOut(population / 2, workers);
    const iterations: Iteration[] = [];
    const began = performance.now();
    for (let update = 0; update < updates; update++) {
      const started = performance.now();
      const current = ray.put(learner.weights.slice());
      const trials = actors.map((actor, i) => {
        const centre = update % workers === i;
        return actor.evaluate.remote(current, { seed, update, sigma: learner.sigma, pairs: shares[i]!, centre });
      });
      const returns = await ray.get(trials, wait);
      ray.free([current, ...trials]);

      const members = inOrder(returns, shares);
      learner.update(members);

      const { scores, sums } = returns[update % workers]!.centre!;
      const seconds = (performance.now() - started) / 1000;
      const row: Iteration = {
        iteration: update + 1,
        return: members.reduce((sum, x) => sum + x) / population,
        score: scores.score,
        price_cost: scores.price,
        emission_cost: scores.emission,
        grid_cost: scores.grid,
        cost: sums.cost,
        emissions: sums.emissions,
        steps: (population + 1) * steps,
        steps_per_second: ((population + 1) * steps) / seconds,
        seconds,
      };
      iterations.push(row);
      await results.iteration(row);
      if (update === 0 || (update + 1) % Math.ceil(updates / 12) === 0 || update === updates - 1) tell(row, updates);
    }
    const seconds = (performance.now() - began) / 1000;

    const learned = learner.weights.slice();
    const scores = await replayAll(learned, actors, device, results, wait);
    await results.close();
    const hash = createHash("sha256").update(new Uint8Array(learned.buffer)).digest("hex");
    say(`${updates} updates in ${seconds.toFixed(1)} s; weights sha256 ${hash}`);
    return { weights: learned, hash, scores, iterations, seconds };
  } catch (reason) {
    await results.fail(reason);
    throw reason;
  } finally {
    for (const actor of actors) ray.kill(actor);
  }
}

/** The numbers 0 .. count-1 dealt out to workers. */
function shareOut(count: number, workers: number): number[][] {
  const all = Array.from({ length: count }, (_, i) => i);
  return Array.from({ length: workers }, (_, worker) => all.filter((i) => i % workers === worker));
}

/** Every member's return at its own place, whichever worker tried it. */
function inOrder(returns: readonly Returns[], shares: readonly (readonly number[])[]): Float64Array {
  const members = new Float64Array(2 * shares.flat().length);
  for (const [worker, pairs] of shares.entries()) {
    for (const [i, pair] of pairs.entries()) {
      members.set(returns[worker]!.members.subarray(2 * i, 2 * i + 2), 2 * pair);
    }
  }
  return members;
}

/** Lets the actors run the learned controller on all phases, and appends what it does. */
async function replayAll(
  weights: Float32Array,
  actors: readonly ray.ActorHandle<Rollouts>[],
  device: Device,
  results: Results,
  wait: { signal?: AbortSignal },
): Promise<Record<number, Scores>> {
  const scores: Record<number, Scores> = {};
  const current = ray.put(weights);
  for (const [i, phase] of phases.entries()) {
    const dataset = `battery/phase_${phase}`;
    (await ray.data.waitFor(dataset, wait)).close();
    const actor = actors[i % actors.length]!;
    await ray.get(actor.open.remote(dataset, device, hidden), wait); // an async method: the next call would not wait for it
    const { worth, years } = await ray.get(actor.replay.remote(current), wait);
    for (const year of years) await results.year(phase, year);
    scores[phase] = worth.scores;
    say(`phase ${phase}: ${years.length} houses, score ${worth.scores.score.toFixed(4)}`);
  }
  return scores;
}

function tell({ iteration, score, cost, emissions, steps_per_second }: Iteration, updates: number): void {
  const speed = (steps_per_second / 1e6).toFixed(1);
  const worth = `score ${score.toFixed(4)}  ${cost.toFixed(0)} $  ${emissions.toFixed(0)} kg CO2`;
  say(`update ${String(iteration).padStart(String(updates).length)} of ${updates}  ${worth}  ${speed} M house-steps/s`);
}

function say(text: string): void {
  process.stdout.write(`train    ${text}\n`);
}
