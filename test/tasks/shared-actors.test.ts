import { get, getGpuIds, kill, put, remote } from "../../src/tasks/index.js";
import { type Scenario, scenariosOn } from "./scenario.js";
import { type MakeSession, makeInline, makeWorkers, type SessionOptions, until } from "./session.js";

class Counter {
  #value: number;
  #open: () => void = () => {};
  readonly #opened = new Promise<void>((resolve) => {
    this.#open = resolve;
  });
  constructor(start: number) {
    if (start < 0) throw new RangeError("start is negative");
    this.#value = start;
  }
  add(by: number): number {
    this.#value += by;
    return this.#value;
  }
  addLength(array: Float64Array): number {
    return this.add(array.length);
  }
  async pass(): Promise<string> {
    await this.#opened;
    return "passed";
  }
  open(): void {
    this.#open();
  }
  gpus(): readonly number[] {
    return getGpuIds();
  }
  exit(): void {
    process.exit(7);
  }
  spin(begun: Int32Array): void {
    Atomics.store(begun, 0, 1);
    for (;;);
  }
}
const SharedCounter = remote(Counter, { hosted: "shared" });

function scenario(
  title: string,
  makes: Record<string, MakeSession>,
  body: Parameters<Scenario>[1],
  options: SessionOptions = {},
): void {
  for (const [name, make] of Object.entries(makes)) scenariosOn(make)(`${name}: ${title}`, body, options);
}
const workers = { workers: makeWorkers };
const both = { inline: makeInline, ...workers };

scenario("shared actors have a state each, and the calls of one arrive in order", both, async (t, session) => {
  const counters = Array.from({ length: 20 }, (_, i) => SharedCounter.remote(i));
  for (let round = 1; round <= 3; round++) {
    t.deepEqual(
      await get(counters.map((counter) => counter.add.remote(100))),
      counters.map((_, i) => i + 100 * round),
    );
  }
  const [first] = counters;
  const refs = Array.from({ length: 50 }, () => first!.add.remote(1));
  t.deepEqual(
    await get(refs),
    refs.map((_, i) => 301 + i),
  );
  t.is((await session.load()).actors, 20);
  const rows = await session.state("tasks");
  t.is(new Set(rows.filter(({ kind }) => kind === "actor-call").map(({ actor }) => actor)).size, 20);
  t.true(rows.every(({ name }) => name === "Counter.add"));
});

scenario(
  "one that waits, or may begin no more, holds up only itself",
  both,
  async (t) => {
    // With one CPU they are on one thread.
    const [one, two, three] = [
      SharedCounter.options({ maxConcurrency: 1 }).remote(0),
      SharedCounter.remote(0),
      SharedCounter.remote(0),
    ];
    const never = remote(() => new Promise<number>(() => {}));
    const stuck = one.pass.remote();
    const after = one.add.remote(1);
    const waiting = two.add.remote(never.options({ numCpus: 0 }).remote());
    t.deepEqual(await get([three.add.remote(1), three.add.remote(2)]), [1, 3]);
    await t.throwsAsync(get([stuck, after, waiting], { timeoutMs: 20 }), { code: "GET_TIMEOUT" });
    kill(one);
    await t.throwsAsync(get(stuck), { code: "ACTOR_DIED" });
    await t.throwsAsync(get(after), { code: "ACTOR_DIED" });
  },
  { cpus: 1 },
);

scenario(
  "calls with large arguments keep their place among small ones",
  both,
  async (t) => {
    const counters = [SharedCounter.remote(0), SharedCounter.remote(0)];
    await get(counters.map((counter) => counter.add.remote(0)));
    const large = put(new Float64Array(20_000));
    const refs = counters.flatMap((counter) => [
      counter.addLength.remote(large),
      counter.add.remote(1),
      counter.addLength.remote(new Float64Array(30_000)),
      counter.add.remote(1),
    ]);
    t.deepEqual(await get(refs), [20_000, 20_001, 50_001, 50_002, 20_000, 20_001, 50_001, 50_002]);
  },
  { cpus: 1 },
);

scenario(
  "killing one, or a constructor that throws, leaves its neighbours alone",
  both,
  async (t, session) => {
    const counters = [0, 1, -1, 3].map((start) => SharedCounter.remote(start));
    const [a, b, broken, d] = counters as [(typeof counters)[0], ...typeof counters];
    await t.throwsAsync(get(broken!.add.remote(1)), { code: "ACTOR_DIED", message: /start is negative/ });
    const waiting = b!.pass.remote();
    kill(b!);
    await t.throwsAsync(get(waiting), { code: "ACTOR_DIED", message: /was killed/ });
    await t.throwsAsync(get(b!.add.remote(1)), { code: "ACTOR_DIED" });
    t.deepEqual(await get([a.add.remote(1), d!.add.remote(1)]), [1, 4]);
    kill(a);
    kill(d!);
    t.like(await session.load(), { actors: 0, tasks: 0 });
    t.is(await get(SharedCounter.remote(9).add.remote(1)), 10);
  },
  { cpus: 1 },
);

scenario(
  "they hold GPUs like others, and give them back",
  both,
  async (t) => {
    const first = SharedCounter.options({ numGpus: 1 }).remote(0);
    const second = SharedCounter.options({ numGpus: 1 }).remote(0);
    t.deepEqual([...(await get([first.gpus.remote(), second.gpus.remote()])).flat()].sort(), [0, 1]);
    const third = SharedCounter.options({ numGpus: 1 }).remote(0);
    const waiting = third.gpus.remote();
    await t.throwsAsync(get(waiting, { timeoutMs: 20 }), { code: "GET_TIMEOUT" });
    kill(first);
    t.is((await get(waiting)).length, 1);
  },
  { gpus: 2 },
);

scenario("handles travel, and calls of tasks and of actors reach them", both, async (t) => {
  const counters = [SharedCounter.remote(0), SharedCounter.remote(0)];
  const addAll = remote(async (handles: typeof counters, by: number) => {
    await get(handles.map((handle) => handle.add.remote(by)));
  });
  class Caller {
    async add(handles: typeof counters, by: number): Promise<void> {
      await get(handles.map((handle) => handle.add.remote(by)));
    }
  }
  const caller = remote(Caller, { hosted: "shared" }).remote();
  await get([addAll.remote(counters, 1), addAll.remote(counters, 10), caller.add.remote(counters, 100)]);
  t.deepEqual(await get(counters.map((counter) => counter.add.remote(0))), [111, 111]);
});

scenario("what ends the thread ends all that share it, and no others", workers, async (t, session) => {
  const counters = Array.from({ length: 6 }, (_, i) => SharedCounter.remote(i));
  await get(counters.map((counter) => counter.add.remote(0)));
  const rows = await session.state("actors");
  const threads = rows.map(({ worker }) => worker);
  t.is(new Set(threads).size, 2);
  const pending = counters.map((counter) => counter.pass.remote());
  counters[0]!.exit.remote();
  const ended = counters.filter((_, i) => threads[i] === threads[0]);
  t.is(ended.length, 3);
  for (const [i, counter] of counters.entries()) {
    if (threads[i] === threads[0]) {
      await t.throwsAsync(get(pending[i]!), { code: "ACTOR_DIED", message: /process\.exit\(7\)/ });
      await t.throwsAsync(get(counter.add.remote(1)), { code: "ACTOR_DIED" });
    } else t.is(await get(counter.add.remote(1)), i + 1);
  }
  // New ones get a new thread.
  const fresh = [SharedCounter.remote(1), SharedCounter.remote(2), SharedCounter.remote(3)];
  t.deepEqual(await get(fresh.map((counter) => counter.add.remote(1))), [2, 3, 4]);
  t.is((await session.load()).actors, 6);
});

scenario(
  "killing one whose call never returns ends its thread; neighbours that may are made anew, and are not charged",
  workers,
  async (t) => {
    const [stuck, lasting, fragile] = [
      SharedCounter.remote(0),
      SharedCounter.options({ maxRestarts: 1 }).remote(5),
      SharedCounter.remote(0),
    ];
    const begun = new Int32Array(new SharedArrayBuffer(4));
    await get([stuck, lasting, fragile].map((counter) => counter.add.remote(1)));
    const call = stuck.spin.remote(put(begun));
    await until(begun, 0, 1);
    kill(stuck);
    await t.throwsAsync(get(call), { code: "ACTOR_DIED", message: /was killed/ });
    await t.throwsAsync(get(fragile.add.remote(1)), {
      code: "ACTOR_DIED",
      message: /because Counter, which shared it, was killed/,
    });
    // Twice: had the first time been charged, there would be no second one.
    t.is(await get(lasting.add.remote(1)), 6);
    await t.throwsAsync(get(lasting.exit.remote()), { code: "ACTOR_UNAVAILABLE" });
    t.is(await get(lasting.add.remote(1)), 6);
  },
  { cpus: 1 },
);

scenario("a thousand live actors on as many threads as there are CPUs", workers, async (t, session) => {
  const counters = Array.from({ length: 1000 }, (_, i) => SharedCounter.remote(i));
  for (let round = 1; round <= 2; round++) {
    const values = await get(counters.flatMap((counter) => [counter.add.remote(1), counter.add.remote(1)]));
    t.true(values.every((value, i) => value === (i >> 1) + 2 * round - 1 + (i & 1)));
  }
  t.is((await session.load()).actors, 1000);
  t.is((await session.state("workers")).length, 2);
  for (const counter of counters) kill(counter);
  t.like(await session.load(), { actors: 0, tasks: 0, free: { cpus: 20_000 } });
});
