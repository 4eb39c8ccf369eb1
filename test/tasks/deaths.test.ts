import { RandomStream } from "../../src/random.js";
import { cancel, get, kill, type ObjectRef, put, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

/** Real deaths of worker threads: nothing else than the thread is lost. */
const scenario = scenariosOn(makeWorkers);

const exit = remote((code: number): number => process.exit(code));
const add = remote((a: number, b: number) => a + b);

scenario(
  "process.exit in a task ends its thread: tried again, then WORKER_DIED, and the thread is replaced",
  async (t, session) => {
    const error = await t.throwsAsync(get(exit.options({ name: "leave", maxRetries: 1 }).remote(7)), {
      code: "WORKER_DIED",
    });
    t.regex(
      error!.message,
      /^leave ended its worker thread 2 times, the last time because it called process\.exit\(7\)\. .*maxRetries/,
    );
    t.is(await get(add.remote(1, 2)), 3);
    const [row] = await session.state("tasks");
    t.like(row, { name: "leave", state: "failed", attempt: 2 });
    const dead = (await session.state("workers")).filter(({ state }) => state === "dead");
    t.is(dead.length, 2);
    t.like(await session.load(), { tasks: 0, free: { cpus: 20_000, gpus: 0 } });
  },
);

scenario("a task whose thread dies the first time succeeds the second time", async (t, session) => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const flaky = remote((seen: Int32Array) => {
    if (Atomics.add(seen, 0, 1) === 0) process.exit(1);
    return "survived";
  });
  t.is(await get(flaky.remote(flag)), "survived");
  t.is(flag[0], 2);
  t.is((await session.state("tasks"))[0]!.attempt, 2);
});

scenario("an object that others refer to survives that its task needed a second attempt", async (t, session) => {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const make = remote(() => {
    if (Atomics.add(flag, 0, 1) === 0) process.exit(1);
    return 41;
  });
  const ref = make.remote();
  // It asks for all CPUs, so it goes by the node, and so does its argument.
  const sum = add.options({ numCpus: 2 }).remote(ref, 1);
  t.deepEqual(await get([sum, ref]), [42, 41]);
  sum[Symbol.dispose]();
  ref[Symbol.dispose]();
  t.like(await session.load(), { tasks: 0, objects: 0 });
});

scenario("maxRetries 0 tries once, and an error that is thrown is never retried", async (t) => {
  const calls = new Int32Array(new SharedArrayBuffer(8));
  const leave = remote(
    (seen: Int32Array) => {
      Atomics.add(seen, 0, 1);
      process.exit(1);
    },
    { maxRetries: 0 },
  );
  const fail = remote((seen: Int32Array) => {
    Atomics.add(seen, 1, 1);
    throw new Error("own fault");
  });
  await t.throwsAsync(get(leave.remote(calls)), { code: "WORKER_DIED" });
  await t.throwsAsync(get(fail.remote(calls)), { code: "TASK_FAILED" });
  t.deepEqual([...calls], [1, 1]);
});

scenario("an error that nothing catches ends the thread, and the message tells it", async (t) => {
  const timer = remote(
    () =>
      new Promise<never>(() => {
        setTimeout(() => {
          throw new RangeError("in a timer");
        }, 0);
      }),
    { maxRetries: 0 },
  );
  await t.throwsAsync(get(timer.remote()), {
    code: "WORKER_DIED",
    message: /because of an error that nothing caught: RangeError: in a timer \(at .*deaths\.test/,
  });
  const rejection = remote(
    () =>
      new Promise<never>(() => {
        void Promise.reject(new Error("nobody listens"));
      }),
    { maxRetries: 0 },
  );
  await t.throwsAsync(get(rejection.remote()), { code: "WORKER_DIED", message: /nobody listens/ });
  t.is(await get(add.remote(2, 2)), 4);
});

scenario(
  "a task that fills its heap is survived",
  async (t) => {
    const fill = remote(
      () => {
        const hoard: number[][] = [];
        for (;;) hoard.push(new Array<number>(10_000).fill(Math.random()));
      },
      { maxRetries: 0 },
    );
    await t.throwsAsync(get(fill.options({ name: "hoard" }).remote()), {
      code: "WORKER_DIED",
      message: /^hoard ended its worker thread because its heap was full\. Look for .*too much memory; maxRetries/,
    });
    t.is(await get(add.remote(2, 2)), 4);
  },
  { heapMb: 32 },
);

scenario("a stack that is full is an error of its task: the thread lives", async (t, session) => {
  const fall = remote(function fall(): number {
    const deeper = (depth: number): number => deeper(depth + 1) + 1;
    return deeper(0);
  });
  await t.throwsAsync(get(fall.remote()), {
    code: "TASK_FAILED",
    message: /^fall failed: RangeError: Maximum call stack/,
  });
  t.is(await get(add.remote(2, 2)), 4);
  t.false((await session.state("workers")).some(({ state }) => state === "dead"));
});

scenario("what a task leaves behind may end its thread later: others are not lost", async (t, session) => {
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const leave = remote(() => {
    const timer = setInterval(() => {
      if (Atomics.load(gate, 0) === 0) return;
      clearInterval(timer);
      throw new Error("left behind");
    }, 1);
    return "ended";
  });
  t.deepEqual(await get([leave.remote(), leave.remote()]), ["ended", "ended"]);
  Atomics.store(gate, 0, 1);
  const numbers = Array.from({ length: 300 }, (_, i) => i);
  const values = await get(numbers.map((i) => add.options({ maxRetries: -1 }).remote(i, 1)));
  t.deepEqual(
    values,
    numbers.map((i) => i + 1),
  );
  // The thread may outlive the last of them.
  const reasons = async () => (await session.state("workers")).flatMap(({ reason }) => reason ?? []);
  while ((await reasons()).length === 0) await new Promise((resolve) => setImmediate(resolve));
  t.regex((await reasons())[0]!, /of an error that nothing caught: Error: left behind/);
});

scenario("a loop without an end is ended by kill, and by cancel with force", async (t, session) => {
  const seen = new Int32Array(new SharedArrayBuffer(8));
  class Spinner {
    spin(): never {
      Atomics.store(seen, 0, 1);
      for (;;);
    }
  }
  const spin = remote((): never => {
    Atomics.store(seen, 1, 1);
    for (;;);
  });
  const actor = remote(Spinner).remote();
  const [call, task] = [actor.spin.remote(), spin.remote()];
  while (seen[0] === 0 || seen[1] === 0) await new Promise((resolve) => setImmediate(resolve));
  kill(actor);
  cancel(task, { force: true });
  await t.throwsAsync(get(call), { code: "ACTOR_DIED" });
  await t.throwsAsync(get(task), { code: "TASK_CANCELLED" });
  t.is(await get(add.remote(2, 2)), 4);
  t.like(await session.load(), { tasks: 0, actors: 0, free: { cpus: 20_000 } });
});

scenario("an actor whose thread dies: running, queued and later calls fail, others live", async (t, session) => {
  class Fragile {
    async hang(): Promise<never> {
      return await new Promise<never>(() => {});
    }
    die(): never {
      process.exit(3);
    }
    echo(value: number): number {
      return value;
    }
  }
  const [fragile, other] = [remote(Fragile).remote(), remote(Fragile).remote()];
  t.is(await get(fragile.echo.remote(1)), 1);
  const calls: ObjectRef<unknown>[] = [fragile.hang.remote(), fragile.die.remote(), fragile.echo.remote(2)];
  for (const call of calls) {
    await t.throwsAsync(get(call), {
      code: "ACTOR_DIED",
      message: /Fragile ended because it called process\.exit\(3\)/,
    });
  }
  await t.throwsAsync(get(fragile.echo.remote(3)), { code: "ACTOR_DIED" });
  t.is(await get(other.echo.remote(4)), 4);
  t.is((await session.load()).actors, 1);
});

scenario(
  "a task that waits is retried when its thread dies under it, and its child's result is not lost",
  async (t) => {
    const state = new Int32Array(new SharedArrayBuffer(4));
    // One CPU, so the child that leaves runs on the parent's thread.
    const child = remote(
      (seen: Int32Array) => {
        if (Atomics.add(seen, 0, 1) === 0) process.exit(1);
        return 21;
      },
      { name: "child" },
    );
    const parent = remote(async (seen: Int32Array) => 2 * (await get(child.remote(seen))), { name: "parent" });
    t.is(await get(parent.remote(state)), 42);
  },
  { cpus: 1 },
);

scenario("deaths in a crowd of short tasks: every task has its one right result", async (t, session) => {
  const count = 400;
  const deaths = new Int32Array(new SharedArrayBuffer(4 * count));
  const work = remote((seen: Int32Array, index: number) => {
    if (index % 50 === 17 && Atomics.add(seen, index, 1) === 0) process.exit(1);
    return index * index;
  });
  const shared = put(deaths);
  const values = await get(Array.from({ length: count }, (_, index) => work.remote(shared, index)));
  t.deepEqual(
    values,
    Array.from({ length: count }, (_, index) => index * index),
  );
  t.is(
    deaths.reduce((a, b) => a + b, 0),
    2 * (count / 50),
  );
  // The closures of this test hold it as long as `work` lives, which is the session.
  shared[Symbol.dispose]();
  t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
});

scenario("an object whose owner has ended before it was made is lost, one that was made is not", async (t, session) => {
  class Owner {
    readonly never = remote(() => new Promise<number>(() => {}), { maxRetries: 0 });
    submit(): { ref: ObjectRef<number> } {
      return { ref: this.never.remote() };
    }
    async finish(): Promise<{ ref: ObjectRef<number> }> {
      const ref = add.remote(20, 22);
      await get(ref);
      return { ref };
    }
  }
  const owner = remote(Owner).remote();
  const [pending, made] = await get([owner.submit.remote(), owner.finish.remote()]);
  kill(owner);
  await t.throwsAsync(get(pending.ref), { code: "OBJECT_LOST", message: /a thread that ended/ });
  t.is(await get(made.ref), 42);
  t.like(await session.load(), { actors: 0 });
});

scenario("a graph whose workers die again and again: nothing is lost, wrong or there twice", async (t, session) => {
  const count = 3000;
  const random = new RandomStream(7, "deaths");
  // Every hundredth task may end its thread, each time that it is tried.
  const work = remote(
    (index: number, microseconds: number, deadly: boolean, a: number, b: number) => {
      const until = performance.now() + microseconds / 1000;
      while (performance.now() < until);
      if (deadly && Math.random() < 0.5) process.exit(1);
      return (a * 31 + b * 7 + index) % 1_000_003;
    },
    { maxRetries: -1 },
  );
  const refs: ObjectRef<number>[] = [];
  const expected: number[] = [];
  for (let index = 0; index < count; index++) {
    const parents = [0, 1].map(() => (index > 10 && random.integer(2) === 0 ? random.integer(index) : -1));
    const [a, b] = parents.map((parent) => (parent < 0 ? index : refs[parent]!));
    const [x, y] = parents.map((parent) => (parent < 0 ? index : expected[parent]!));
    refs.push(work.remote(index, random.integer(300), index % 100 === 50, a!, b!));
    expected.push((x! * 31 + y! * 7 + index) % 1_000_003);
  }
  t.deepEqual(await get(refs), expected);
  const rows = await session.state("tasks");
  t.is(new Set(rows.map(({ id }) => id)).size, count);
  t.is(rows.filter(({ state }) => state === "finished").length, count);
  const deaths = (await session.state("workers")).filter(({ state }) => state === "dead").length;
  t.log(`${deaths} worker threads died`);
  t.true(deaths > 5);
  for (const ref of refs) ref[Symbol.dispose]();
  t.like(await session.load(), { objects: 0, tasks: 0, waiting: 0, free: { cpus: 20_000 }, memory: 0 });
});
