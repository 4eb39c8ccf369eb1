/**
 * Resources: a function that asks for three GPUs waits until three are free, and sees which ones it got. The node has four,
 * because it was told so: nothing here looks for real ones.
 *
 *     node dist/pipelines/ray/gpus.js
 */
import * as ray from "rayflight";

const train = ray.remote(() => ray.getGpuIds(), { numGpus: 3 });

const Holder = ray.remote(
  class Holder {
    gpuIds(): readonly number[] {
      return ray.getGpuIds();
    }
  },
  { numGpus: 2 },
);

await ray.init({ numGpus: 4 });

const holder = Holder.remote();
const held = await ray.get(holder.gpuIds.remote());
const id = train.remote();
const [early] = await ray.wait([id], { timeoutMs: 500 });
ray.kill(holder);
const got = await ray.get(id);
console.log(JSON.stringify({ held, early: early.length, got }));

await ray.shutdown();
