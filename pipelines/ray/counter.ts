/**
 * An actor: an object on a thread of its own, whose calls arrive in the order in which they were made.
 *
 *     node dist/pipelines/ray/counter.js
 */
import * as ray from "rayflight";

const Counter = ray.remote(
  class Counter {
    value = 0;

    postinc(): number {
      this.value += 1;
      return this.value - 1;
    }
  },
);

await ray.init();

const counter = Counter.remote();
const id1 = counter.postinc.remote();
const id2 = counter.postinc.remote();
const id3 = counter.postinc.remote();
console.log(JSON.stringify(await ray.get([id1, id2, id3])));

await ray.shutdown();
