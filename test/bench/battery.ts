import * as ray from "rayflight";
import { batteryPolicy, initialWeights } from "rayflight/rl";
import { Rollouts } from "../../pipelines/battery/rollouts.js";
import { writeBatteryDatasets } from "../rl/battery-dataset.js";
import { citylearnPython } from "./citylearn-peer.js";
import { startProcess } from "./line-process.js";
import { type BenchRow, compare, type RoomOptions } from "./measure.js";

export const room = "the battery environment with the policy in the loop, against CityLearn's own stepping";

const name = "house-steps with the policy in the loop, two threads";
const target = 300;
const threads = 2;
const pairs = Array.from({ length: 48 }, (_, pair) => pair);
const peerSteps = 1460; // a sixth of a year: the six rounds see every season

/** The rows of the room: both sides use two cores, ours by two actors, CityLearn by two processes. */
export async function* rows({ rounds, wanted }: RoomOptions): AsyncGenerator<BenchRow> {
  if (!wanted(name)) return;
  const peer = await citylearnPython();
  if ("missing" in peer) {
    yield { name, not_run: peer.missing, target };
    return;
  }
  await using _node = await ray.init({ numCpus: threads });
  await writeBatteryDatasets([1]);
  const RolloutActor = ray.remote(Rollouts);
  const actors = Array.from({ length: threads }, () => RolloutActor.remote());
  const [opened] = await ray.get(actors.map((actor) => actor.open.remote("battery/phase_1", "cpu", 8)));
  const weights = ray.put(initialWeights(batteryPolicy(opened!.features, 8), 1));
  const processes = actors.map(() => startProcess(peer.python, ["test/bench/programs/citylearn_steps.py"]));
  let update = 0;
  try {
    for (const process of processes) await process.read();
    yield await compare({
      name,
      unit: "house-steps/s",
      peer: "CityLearn 1.8.0, two processes, actions for nothing",
      target,
      rounds,
      async ours() {
        const share = { seed: 1, update: update++, sigma: 0.03, pairs, centre: false };
        const began = performance.now();
        await ray.get(actors.map((actor) => actor.evaluate.remote(weights, share)));
        return (threads * 2 * pairs.length * opened!.steps) / ((performance.now() - began) / 1000);
      },
      async peers() {
        for (const process of processes) process.write(String(peerSteps));
        const answers = await Promise.all(processes.map((process) => process.read()));
        return answers
          .map((line) => JSON.parse(line) as { house_steps: number; seconds: number })
          .reduce((sum, { house_steps, seconds }) => sum + house_steps / seconds, 0);
      },
    });
  } finally {
    await Promise.all(processes.map((process) => process.end()));
  }
}
