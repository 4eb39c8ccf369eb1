import test from "ava";
import { cancel, currentContext, get, put, remote, setContext } from "../../src/tasks/index.js";
import { makeWorkers } from "./session.js";
import { testContract } from "./suites.js";

testContract(makeWorkers);

test.serial("put of a large array is one copy that every thread sees", async (t) => {
  const session = await makeWorkers({});
  try {
    const shared = put(new Int32Array(100_000));
    const poke = remote((array: Int32Array, index: number, value: number) => {
      Atomics.store(array, index, value);
      return array.buffer instanceof SharedArrayBuffer;
    });
    t.deepEqual(await get([poke.remote(shared, 0, 7), poke.remote(shared, 1, 8)]), [true, true]);
    const mine = await get(shared);
    t.deepEqual([mine[0], mine[1]], [7, 8]);
    t.is((await session.load()).memory, mine.buffer.byteLength);
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test.serial("tasks run on other threads, as many at once as there are CPUs", async (t) => {
  const session = await makeWorkers({ cpus: 2 });
  try {
    const meeting = put(new Int32Array(new SharedArrayBuffer(4)));
    // Each of the two blocks its thread until the other one is there.
    const meet = remote(async (flags: Int32Array) => {
      const { threadId } = await import("node:worker_threads");
      Atomics.add(flags, 0, 1);
      Atomics.notify(flags, 0);
      while (Atomics.load(flags, 0) < 2) Atomics.wait(flags, 0, 1);
      return threadId;
    });
    const ids = await get([meet.remote(meeting), meet.remote(meeting)]);
    t.is(new Set(ids).size, 2);
    t.false(ids.includes(0));
    const rows = await session.state("tasks");
    t.is(new Set(rows.map(({ worker }) => worker)).size, 2);
    await session.load();
    t.deepEqual(new Set((await session.state("workers")).map(({ state }) => state)), new Set(["idle"]));
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test.serial("other rooms can serve on a worker's bus", async (t) => {
  const session = await makeWorkers({});
  try {
    const ask = remote(async () => {
      const { bus, worker } = currentContext();
      return [await bus!.call("test.whoami", null), worker];
    });
    const [served, own] = await get(ask.remote());
    t.is(served, own);
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test.serial("a value that does not fit the store is refused, and the store recovers", async (t) => {
  const session = await makeWorkers({ memory: 1 << 20 });
  try {
    const tooLarge = put(new Float64Array(1 << 18));
    await t.throwsAsync(get(tooLarge), { code: "OBJECT_STORE_FULL" });
    const fits = put(new Float64Array(1 << 16));
    t.is((await get(fits)).length, 1 << 16);
    const make = remote(() => new Float64Array(1 << 18));
    await t.throwsAsync(get(make.remote()), { code: "OBJECT_STORE_FULL" });
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test.serial(
  "tasks that run or wait for a worker have rows, and each row says at last how its task ended",
  async (t) => {
    const session = await makeWorkers({ cpus: 1 });
    try {
      const gate = new Int32Array(new SharedArrayBuffer(8));
      const stay = remote(function stay(name: string) {
        const flags = (globalThis as { flags?: Int32Array }).flags!;
        Atomics.store(flags, 0, 1);
        Atomics.notify(flags, 0);
        Atomics.wait(flags, 1, 0);
        return name;
      });
      const give = remote((flags: Int32Array) => {
        (globalThis as { flags?: Int32Array }).flags = flags;
      });
      await get(give.remote(gate));
      const refs = [stay.remote("first"), stay.remote("second")];
      await null;
      while (Atomics.load(gate, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
      const states = async () =>
        (await session.state("tasks"))
          .filter(({ name }) => name === "stay")
          .map(({ state, worker }) => [state, worker]);
      t.deepEqual(await states(), [
        ["running", "worker-1"],
        ["pending", null],
      ]);
      t.deepEqual(
        (await session.state("workers")).map(({ state }) => state),
        ["busy"],
      );
      Atomics.store(gate, 1, 1);
      Atomics.notify(gate, 1);
      t.deepEqual(await get(refs), ["first", "second"]);
      t.deepEqual(await states(), [
        ["finished", "worker-1"],
        ["finished", "worker-1"],
      ]);
    } finally {
      await session.close();
      setContext(undefined);
    }
  },
);

test.serial("of an endless stream of tasks with other demands and one of ordinary ones, neither starves", async (t) => {
  const session = await makeWorkers({ cpus: 1 });
  try {
    const spin = remote((milliseconds: number) => {
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
      return milliseconds;
    });
    const ended = { ordinary: 0, other: 0 };
    const keep = async (kind: keyof typeof ended, submit: () => ReturnType<typeof spin.remote>) => {
      // Always some that wait, until both streams got somewhere.
      while (Math.min(ended.ordinary, ended.other) < 10) {
        await get(Array.from({ length: 4 }, submit));
        ended[kind] += 4;
      }
    };
    const half = spin.options({ numCpus: 0.5 });
    const streams = (["ordinary", "other"] as const).flatMap((kind) => {
      const submit = () => (kind === "ordinary" ? spin : half).remote(1);
      return [keep(kind, submit), keep(kind, submit), keep(kind, submit)];
    });
    await Promise.all(streams);
    t.true(ended.ordinary >= 10 && ended.other >= 10);
    t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 10_000 } });
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test.serial("of a cancelled task, the calls that its own thread runs are not tried again", async (t) => {
  const session = await makeWorkers({ cpus: 1 });
  try {
    const log = put(new Int32Array(new SharedArrayBuffer(1 << 17)));
    const view = await get(log);
    const child = remote(
      async (shared: Int32Array) => {
        Atomics.add(shared, 0, 1);
        await new Promise(() => {});
      },
      { retryExceptions: true },
    );
    const parent = remote(async (refs: [typeof log]) => await get(child.remote(refs[0])));
    const first = parent.remote([log]);
    while (Atomics.load(view, 0) < 1) await new Promise((resolve) => setImmediate(resolve));
    cancel(first);
    await t.throwsAsync(get(first), { code: "TASK_CANCELLED" });
    // A second attempt would begin before this.
    await get(Array.from({ length: 10 }, () => remote(() => 0).remote()));
    t.is(view[0], 1);
    t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 10_000 } });
  } finally {
    await session.close();
    setContext(undefined);
  }
});
