import { get, kill, type ObjectRef, put, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

/** Actors whose threads die, and that are made anew. What must not be counted twice is counted in shared memory. */
const scenario = scenariosOn(makeWorkers);

/** Counts each call in shared memory; its method `die` ends the thread the first `deaths` times. */
class Fragile {
  readonly #runs: Int32Array;
  readonly #log: number[] = [];

  constructor(runs: Int32Array) {
    this.#runs = runs;
    Atomics.add(runs, 0, 1);
  }
  count(at: number): number {
    Atomics.add(this.#runs, at, 1);
    this.#log.push(at);
    return at;
  }
  die(at: number, deaths: number): number {
    if (Atomics.add(this.#runs, at, 1) < deaths) process.exit(5);
    return at;
  }
  log(): number[] {
    return this.#log;
  }
  large(at: number): Float64Array {
    Atomics.add(this.#runs, at, 1);
    return new Float64Array(20_000).fill(at);
  }
  sum(at: number, values: Float64Array): number {
    Atomics.add(this.#runs, at, 1);
    return values.length;
  }
  async wait(at: number, gate: Int32Array): Promise<number> {
    Atomics.add(this.#runs, at, 1);
    while (Atomics.load(gate, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    return at;
  }
}
const RemoteFragile = remote(Fragile);
const words = (count: number) => new Int32Array(new SharedArrayBuffer(4 * count));

for (const hosted of ["alone", "shared"] as const) {
  scenario(
    `${hosted}: a call that had begun fails, those behind it wait for the new actor, in order`,
    async (t, session) => {
      const runs = words(100);
      const actor = RemoteFragile.options({ hosted, maxRestarts: 1 }).remote(put(runs));
      const before = [1, 2, 3].map((at) => actor.count.remote(at));
      const death = actor.die.remote(10, 1);
      const after = [4, 5, 6].map((at) => actor.count.remote(at));
      const error = await t.throwsAsync(get(death), { code: "ACTOR_UNAVAILABLE" });
      t.regex(
        error!.message,
        /^Fragile\.die had begun when .* because it called process\.exit\(5\).*; the actor starts again\. .*maxTaskRetries/,
      );
      t.deepEqual(await get(before), [1, 2, 3]);
      t.deepEqual(await get(after), [4, 5, 6]);
      t.deepEqual(await get(actor.log.remote()), [4, 5, 6]);
      t.deepEqual([...runs.subarray(0, 7)], [2, 1, 1, 1, 1, 1, 1]);
      t.like((await session.state("actors"))[0], { state: "alive", restarts: 1 });
      // The second death is one too many.
      const [last, behind] = [actor.die.remote(11, 1), actor.count.remote(7)];
      await t.throwsAsync(get(last), { code: "ACTOR_DIED" });
      await t.throwsAsync(get(behind), { code: "ACTOR_DIED", message: /process\.exit\(5\)/ });
      await t.throwsAsync(get(actor.count.remote(8)), { code: "ACTOR_DIED" });
      t.is(runs[7], 0);
      t.like((await session.state("actors"))[0], { state: "dead", restarts: 1 });
      t.like(await session.load(), { actors: 0, free: { cpus: 20_000 } });
    },
  );

  scenario(`${hosted}: calls run again as often as maxTaskRetries says`, async (t) => {
    const runs = words(100);
    const actor = RemoteFragile.options({ hosted, maxRestarts: -1, maxTaskRetries: 2 }).remote(put(runs));
    const calls = [actor.count.remote(1), actor.die.remote(10, 2), actor.count.remote(2), actor.die.remote(11, 3)];
    t.deepEqual(await get(calls.slice(0, 3)), [1, 10, 2]);
    await t.throwsAsync(get(calls[3]!), { code: "ACTOR_UNAVAILABLE" });
    t.is(await get(actor.count.remote(3)), 3);
    t.deepEqual([...runs.subarray(0, 4)], [6, 1, 1, 1]);
    t.deepEqual([...runs.subarray(10, 12)], [3, 3]);
    const forever = RemoteFragile.options({ hosted, maxRestarts: -1, maxTaskRetries: -1 }).remote(put(runs));
    t.is(await get(forever.die.remote(12, 5)), 12);
  });

  scenario(
    `${hosted}: calls that go by the node keep their places among those that go by the ring`,
    async (t, session) => {
      const runs = words(100);
      const actor = RemoteFragile.options({ hosted, maxRestarts: -1 }).remote(put(runs));
      const big = put(new Float64Array(20_000));
      await get(actor.count.remote(1));
      const large = actor.large.remote(2);
      const calls: ObjectRef<number>[] = [];
      for (let at = 20; at < 40; at += 2) calls.push(actor.sum.remote(at, big), actor.count.remote(at + 1));
      const death = actor.die.remote(10, 1);
      for (let at = 40; at < 60; at += 2) calls.push(actor.sum.remote(at, big), actor.count.remote(at + 1));
      await t.throwsAsync(get(death), { code: "ACTOR_UNAVAILABLE" });
      const values = await get(calls);
      t.deepEqual(
        values.filter((_, i) => i % 2 === 1),
        Array.from({ length: 20 }, (_, i) => 21 + 2 * i),
      );
      t.is((await get(large))[0], 2);
      t.deepEqual(
        await get(actor.log.remote()),
        Array.from({ length: 10 }, (_, i) => 41 + 2 * i),
      );
      t.true(runs.subarray(20, 60).every((count) => count === 1));
      for (const ref of [...calls, big, large, death]) ref[Symbol.dispose]();
      kill(actor);
      t.like(await session.load(), { actors: 0, waiting: 0, free: { cpus: 20_000 } });
    },
  );

  scenario(
    `${hosted}: kill with noRestart false makes it anew; what was under way runs again if it may`,
    async (t, session) => {
      const runs = words(100);
      const gate = words(1);
      const actor = RemoteFragile.options({ hosted, maxRestarts: -1, maxTaskRetries: 1 }).remote(put(runs));
      const shared = put(gate);
      const waiting = actor.wait.remote(1, shared);
      while (Atomics.load(runs, 1) === 0) await new Promise((resolve) => setImmediate(resolve));
      kill(actor, { noRestart: false });
      const next = actor.count.remote(2);
      t.is(await get(next), 2);
      Atomics.store(gate, 0, 1);
      t.is(await get(waiting), 1);
      t.is(runs[0], 2);
      t.is(runs[1], 2);
      t.like((await session.state("actors"))[0], { state: "alive", restarts: 1 });
      kill(actor);
      await t.throwsAsync(get(actor.count.remote(3)), { code: "ACTOR_DIED", message: /was killed/ });
    },
  );
}

scenario("what a thread had completed, though not shown, is not lost and not run again", async (t) => {
  const runs = words(300);
  const actor = RemoteFragile.options({ maxRestarts: -1 }).remote(put(runs));
  await get(actor.count.remote(1));
  const calls = Array.from({ length: 200 }, (_, i) => actor.count.remote(20 + i));
  const death = actor.die.remote(10, 1);
  t.deepEqual(
    await get(calls),
    Array.from({ length: 200 }, (_, i) => 20 + i),
  );
  await t.throwsAsync(get(death), { code: "ACTOR_UNAVAILABLE" });
  t.true(runs.subarray(20, 220).every((count) => count === 1));
});

scenario("the constructor's arguments are kept as long as the actor may be made anew", async (t) => {
  const runs = words(100);
  const held = put(runs);
  const actor = RemoteFragile.options({ maxRestarts: 1, maxTaskRetries: 1 }).remote(held);
  await get(actor.count.remote(1));
  held[Symbol.dispose]();
  t.is(await get(actor.die.remote(10, 1)), 10);
  t.is(runs[0], 2);
});

scenario("a constructor that throws when the actor is made anew ends it", async (t) => {
  class Once {
    constructor(runs: Int32Array) {
      if (Atomics.add(runs, 0, 1) > 0) throw new RangeError("only once");
    }
    die(): void {
      process.exit(1);
    }
  }
  const once = remote(Once, { maxRestarts: -1, maxTaskRetries: -1 }).remote(put(words(1)));
  await t.throwsAsync(get(once.die.remote()), { code: "ACTOR_DIED", message: /only once/ });
});

scenario(
  "several callers: each one's calls stay in order through deaths, nothing is lost or there twice",
  async (t, session) => {
    class Recorder {
      readonly #runs: Int32Array;
      constructor(runs: Int32Array) {
        this.#runs = runs;
      }
      add(at: number, dies: boolean): number {
        if (dies && Atomics.add(this.#runs, at, 1) === 0) process.exit(1);
        // Calls of one caller have growing numbers; the newest one is kept outside, as the actor forgets.
        const caller = at % 4;
        const last = Atomics.exchange(this.#runs, 4000 + caller, at);
        if (last >= at) throw new Error(`${at} after ${last}`);
        Atomics.add(this.#runs, 2000 + at, 1);
        return at;
      }
    }
    const runs = words(4004);
    const actor = remote(Recorder, { maxRestarts: -1, maxTaskRetries: -1 }).remote(put(runs));
    const call = remote(async (handle: typeof actor, caller: number, count: number) => {
      const calls: ObjectRef<number>[] = [];
      for (let i = 1; i <= count; i++) {
        calls.push(handle.add.remote(caller + 4 * i, i % 60 === 10 + caller));
        if (i % 20 === 0) await get(calls.at(-1)!);
      }
      return await get(calls);
    });
    const values = await get([0, 1, 2].map((caller) => call.remote(actor, caller, 300)));
    for (const caller of [0, 1, 2]) {
      t.deepEqual(
        values[caller],
        Array.from({ length: 300 }, (_, i) => caller + 4 * (i + 1)),
      );
      for (let i = 1; i <= 300; i++) t.is(runs[2000 + caller + 4 * i], 1);
    }
    const [row] = await session.state("actors");
    t.log(`${row!.restarts} restarts`);
    t.is(row!.restarts, 15);
  },
);
