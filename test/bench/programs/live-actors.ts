// live-actors.js KIND COUNT: makes so many actors, calls each, and prints {"seconds", "kib"}: until all have answered, and of
// resident memory for each. The threads of shared actors, the session and the code are there before.
import { get, init, remote, shutdown } from "../../../bridge/node.js";

class Counter {
  #value = 0;
  add(by: number): number {
    this.#value += by;
    return this.#value;
  }
}

const [kind, count] = [process.argv[2] === "shared" ? "shared" : "alone", Number(process.argv[3])] as const;
await init();
const RemoteCounter = remote(Counter, { hosted: kind });
const first = Array.from({ length: 2 }, () => RemoteCounter.remote());
await get(first.map((counter) => counter.add.remote(1)));

const before = process.memoryUsage.rss();
const began = performance.now();
const counters = Array.from({ length: count }, () => RemoteCounter.remote());
const values = await get(counters.map((counter, i) => counter.add.remote(i)));
const seconds = (performance.now() - began) / 1000;
const kib = (process.memoryUsage.rss() - before) / 1024 / count;
if (values.some((value, i) => value !== i)) throw new Error("A result is wrong.");
console.log(JSON.stringify({ seconds, kib }));
await shutdown();
