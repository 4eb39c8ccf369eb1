import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import * as ray from "../../bridge/node.js";
import { faultsOf } from "./trace-format.js";

test.serial("debug: true has rows of tasks, actors, workers and resources, a summary and a timeline", async (t) => {
  const node = await ray.init({ numCpus: 2, debug: true });
  t.teardown(() => node.close());
  const add = ray.remote(function add(a: number, b: number) {
    return a + b;
  });
  const fail = ray.remote(
    function fail() {
      throw new Error("on purpose");
    },
    { retryExceptions: true, maxRetries: 2 },
  );
  const parent = ray.remote(async function parent() {
    return await ray.get(add.remote(1, 2));
  });
  const items = ray.remote(function* items() {
    yield 1;
    yield 2;
  });
  class Door {
    #open: (value: string) => void = () => {};
    wait(): Promise<string> {
      return new Promise((resolve) => {
        this.#open = resolve;
      });
    }
    open(): void {
      this.#open("open");
    }
  }
  const door = ray.remote(Door, { name: "front" }).remote();
  const waits = door.wait.remote();
  const behind = ray.remote(function behind(text: string) {
    return text;
  });
  const pending = behind.remote(waits);
  const withdrawn = behind.remote(waits);
  await ray.get(add.remote(1, 1));
  const stateOf = async (name: string) => (await ray.state("tasks", { where: { name } })).map(({ state }) => state);
  t.deepEqual(await stateOf("Door.wait"), ["running"]);
  t.deepEqual(await stateOf("behind"), ["pending", "pending"]);
  ray.cancel(withdrawn);
  await t.throwsAsync(ray.get(withdrawn), { code: "TASK_CANCELLED" });
  await ray.get(door.open.remote());
  t.is(await ray.get(pending), "open");
  t.is(await ray.get(parent.remote()), 3);
  await t.throwsAsync(ray.get(fail.remote()), { message: /on purpose/ });
  const got: number[] = [];
  for await (const item of items.remote()) got.push(await ray.get(item));
  t.deepEqual(got, [1, 2]);

  const rows = await ray.state("tasks");
  const shown = rows.map(({ name, state, attempt }) => `${name} ${state} ${attempt}`).sort();
  t.deepEqual(shown, [
    "Door.open finished 1",
    "Door.wait finished 1",
    "add finished 1",
    "add finished 1",
    "behind cancelled 0",
    "behind finished 1",
    "fail failed 3",
    "items finished 1",
    "parent finished 1",
  ]);
  const [outer] = await ray.state("tasks", { where: { name: "parent" } });
  t.is((await ray.state("tasks", { where: { parent: outer!.id } }))[0]!.name, "add");
  t.deepEqual(
    (await ray.state("actors")).map(({ className, state }) => [className, state]),
    [["Door", "alive"]],
  );
  t.true((await ray.state("workers")).length > 0);
  t.true((await ray.state("resources")).some(({ total }) => total === 2));
  t.is((await ray.state("nodes")).length, 1);
  const add2 = (await ray.summarizeTasks()).find(({ name }) => name === "add");
  t.deepEqual(add2, { name: "add", kind: "task", states: { finished: 2 } });

  const folder = await mkdtemp(join(tmpdir(), "rayflight-debug-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, "timeline.json");
  await ray.timeline({ file });
  const trace = JSON.parse(await readFile(file, "utf8"));
  t.deepEqual(faultsOf(trace), []);
  t.is(
    trace.traceEvents.filter(({ ph, name }: { ph: string; name: string }) => ph === "X" && name === "add").length,
    2,
  );
});
