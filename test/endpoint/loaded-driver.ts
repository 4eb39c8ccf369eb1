/**
 * A driver under load: tasks and actors that compute, thousands of tasks that wait, values on disk. It says "loaded" and goes
 * on. With "shutdown" it ends its session at the first SIGINT, as a program may; with "stuck" it does not end then.
 */
import * as ray from "../../bridge/node.js";

const MiB = 1 << 20;
const [spillDirectory, handling] = process.argv.slice(2);
await ray.init({ numCpus: 2, objectStoreMemory: 16 * MiB, spillDirectory: spillDirectory! });
if (handling === "shutdown" || handling === "stuck") {
  process.once("SIGINT", () => {
    process.stdout.write("closing\n");
    void ray.shutdown().then(() => {
      if (handling === "shutdown") process.exit(130);
    });
  });
}

class Spinner {
  spin(begun: Int32Array): void {
    Atomics.add(begun, 0, 1);
    for (;;);
  }
}
const make = ray.remote((mark: number) => new Uint8Array(MiB).fill(mark));
const spin = ray.remote((begun: Int32Array): void => {
  Atomics.add(begun, 0, 1);
  for (;;);
});

const values = Array.from({ length: 40 }, (_, i) => make.remote(i));
await ray.wait(values, { numReturns: values.length });
const words = new Int32Array(new SharedArrayBuffer(4));
const begun = ray.put(words);
const Remote = ray.remote(Spinner, { numCpus: 0 });
const actors = [Remote.remote(), ray.remote(Spinner, { hosted: "shared", numCpus: 0 }).remote()];
const calls = actors.map((actor) => actor.spin.remote(begun));
// Most of them never begin: there are two CPUs.
const tasks = Array.from({ length: 2_000 }, () => spin.remote(begun));
while (Atomics.load(words, 0) < 3) await new Promise((resolve) => setImmediate(resolve));
process.stdout.write("loaded\n");
await ray.get([...calls, ...tasks]).catch(() => {});
// The session has ended, and the process ends when it says so.
setInterval(() => {}, 1_000);
