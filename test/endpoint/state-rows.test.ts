import test from "ava";
import * as ray from "../../bridge/node.js";
import { runPython } from "./python.js";

test("a million tasks that are over have a row each: pyarrow reads them over Flight, in batches", async (t) => {
  const node = await ray.init({ numCpus: 2 });
  t.teardown(() => node.close());
  const add = ray.remote(function add(a: number, b: number) {
    return a + b;
  });
  const fail = ray.remote(function fail() {
    throw new Error("on purpose");
  });
  const total = 1_000_000;
  const batch = 10_000;
  for (let from = 0; from < total; from += batch) {
    const sums = await ray.get(Array.from({ length: batch }, (_, i) => add.remote(from, i)));
    if (sums[batch - 1] !== from + batch - 1) t.fail(`${sums[batch - 1]} after ${from}`);
  }
  await t.throwsAsync(ray.get(fail.remote()), { message: /on purpose/ });
  const before = process.memoryUsage().rss;
  const seen = JSON.parse(await runPython("test/endpoint/state_rows.py", node.uri));
  t.is(seen.rows, total + 1);
  t.deepEqual(seen.counts, { "add finished": total, "fail failed": 1 });
  t.true(seen.largestBatch <= 10_000);
  t.is(seen.unit, "us");
  t.true(seen.shortest >= 0);
  // Threads read clocks of their own.
  t.true(seen.leastWait > -1000);
  t.true(seen.workers.length > 0);
  t.log(`${(process.memoryUsage().rss - before) >> 20} MiB more after reading`);
  t.deepEqual(await ray.state("tasks", { where: { state: "failed" } }).then((rows) => rows.map(({ name }) => name)), [
    "fail",
  ]);
  t.is((await ray.state("tasks", { limit: 10 })).length, 10);
  t.deepEqual(await ray.summarizeTasks(), [
    { name: "add", kind: "task", states: { finished: total } },
    { name: "fail", kind: "task", states: { failed: 1 } },
  ]);
});
