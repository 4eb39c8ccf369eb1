import { cancel, get, kill, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers, rest, until } from "./session.js";

/** Cancelling by force, and generators whose threads die: what only threads have. */
const scenario = scenariosOn(makeWorkers);

const shared = () => new Int32Array(new SharedArrayBuffer(16));

/** Computes for ever, and says so. */
const spin = remote((view: Int32Array): number => {
  Atomics.add(view, 0, 1);
  for (;;);
});

for (const [which, numCpus] of [
  ["an ordinary task", 1],
  ["a task with another demand", 0.5],
] as const) {
  scenario(`force ends the thread of ${which} that never ends by itself`, async (t, session) => {
    const view = shared();
    const running = spin.options({ numCpus }).remote(view);
    await until(view, 0, 1);
    // It is not interrupted, and nobody else is.
    cancel(running);
    await t.throwsAsync(get(running, { timeoutMs: 50 }), { code: "GET_TIMEOUT" });
    cancel(running, { force: true });
    await t.throwsAsync(get(running), { code: "TASK_CANCELLED" });
    t.is(view[0], 1);
    const add = remote((a: number, b: number) => a + b);
    t.deepEqual(await get([add.remote(1, 2), add.options({ numCpus: 2 }).remote(3, 4)]), [3, 7]);
    t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
  });
}

scenario("who shares the thread of a task that is ended by force runs again, without blame", async (t, session) => {
  const view = shared();
  class Gate {
    pass(): Promise<number> {
      return new Promise(() => {});
    }
  }
  const keeper = remote(Gate).remote();
  const gate = keeper.pass.remote();
  // They wait for an object, each on its thread, and go on there.
  const patient = remote(
    async (log: Int32Array, refs: [typeof gate]) => {
      const attempt = Atomics.add(log, 1, 1);
      if (attempt < 2) await get(refs[0]);
      return attempt;
    },
    { maxRetries: 0 },
  );
  const waiting = [patient.remote(view, [gate]), patient.remote(view, [gate])];
  await until(view, 1, 2);
  // Two computing tasks: one on each of the two threads.
  const running = [spin.remote(view), spin.remote(view)];
  await until(view, 0, 2);
  for (const ref of running) cancel(ref, { force: true });
  for (const ref of running) await t.throwsAsync(get(ref), { code: "TASK_CANCELLED" });
  t.deepEqual((await get(waiting)).sort(), [2, 3]);
  kill(keeper);
  await t.throwsAsync(get(gate), { code: "ACTOR_DIED" });
  t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
});

scenario("force with recursive ends the threads of the children, too", async (t, session) => {
  const view = shared();
  const parent = remote(async (log: Int32Array) => await get(spin.remote(log)));
  const running = parent.remote(view);
  await until(view, 0, 1);
  cancel(running, { force: true });
  await t.throwsAsync(get(running), { code: "TASK_CANCELLED" });
  // Both CPUs are there again, or this would never run.
  t.is(await get(remote(() => 5, { numCpus: 2 }).remote()), 5);
  t.is(view[0], 1);
  t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
});

scenario("a generator whose thread dies goes on where it was: no item is lost or comes twice", async (t, session) => {
  const view = shared();
  const flaky = remote(async function* (log: Int32Array) {
    const attempt = Atomics.add(log, 0, 1);
    for (let i = 0; i < 40; i++) {
      if (i === 10 * (attempt + 1)) process.exit(3);
      if (i % 3 === 0) await null;
      yield new Float64Array(i % 2 === 0 ? 1 : 10_000).fill(i);
    }
  });
  for (const options of [{}, { generatorBackpressure: -1 }, { generatorBackpressure: 1 }]) {
    view.fill(0);
    const seen: number[] = [];
    for await (const ref of flaky.options(options).remote(view)) {
      seen.push((await get(ref))[0]!);
      ref[Symbol.dispose]();
    }
    t.deepEqual(
      seen,
      Array.from({ length: 40 }, (_, i) => i),
    );
    t.is(view[0], 4);
  }
  // Readers give memory back by message.
  while ((await session.load()).memory > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.like(await session.load(), { objects: 0, tasks: 0, free: { cpus: 20_000 } });
  // Once more than it may: what came before stays, and then it says so.
  view.fill(0);
  const items: unknown[] = [];
  const failing = flaky.options({ maxRetries: 1 }).remote(view);
  const error = await t.throwsAsync(
    async () => {
      for await (const ref of failing) items.push((await get(ref))[0]);
    },
    { code: "WORKER_DIED" },
  );
  t.truthy(error);
  // The very last ones may not have left the thread when it ended.
  t.true(items.length > 10 && items.length <= 20);
  t.deepEqual(
    items,
    items.map((_, i) => i),
  );
});

scenario("several returns of a task whose thread dies the first time are those of the second", async (t, session) => {
  const view = shared();
  const flaky = remote(
    (log: Int32Array): [number, string] => {
      const attempt = Atomics.add(log, 0, 1);
      if (attempt === 0) process.exit(1);
      return [attempt, "second"];
    },
    { numReturns: 2 },
  );
  t.deepEqual(await get(flaky.remote(view)), [1, "second"]);
  t.is((await session.state("tasks")).length, 1);
});

scenario("when a consumer's thread ends, its generators end", async (t, session) => {
  const view = shared();
  const endless = remote(async function* (log: Int32Array) {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      Atomics.store(log, 1, 1);
    }
  });
  const consumer = remote(
    async (log: Int32Array) => {
      const generator = endless.remote(log);
      await generator.next();
      Atomics.store(log, 0, 1);
      process.exit(2);
    },
    { maxRetries: 0 },
  );
  const ended = consumer.remote(view);
  await t.throwsAsync(get(ended), { code: "WORKER_DIED" });
  ended[Symbol.dispose]();
  await rest(session);
  t.like(await session.load(), { objects: 0, tasks: 0, free: { cpus: 20_000 } });
});
