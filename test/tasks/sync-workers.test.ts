import test from "ava";
import { cancel, get, getSync, type ObjectRef, put, type RemoteFunction, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";
import { testSyncReads } from "./sync-suite.js";

testSyncReads(makeWorkers);

const scenario = scenariosOn(makeWorkers);

scenario("getSync: what async children and other threads bring arrives while the thread stands still", async (t) => {
  const later = remote(async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return n;
  });
  const root = remote(() => getSync([later.remote(1), later.remote(2)]));
  t.deepEqual(await get([root.remote(), root.remote(), root.remote()]), [
    [1, 2],
    [1, 2],
    [1, 2],
  ]);
});

scenario(
  "getSync: threads that stood still are used again, and hold no CPU",
  async (t, session) => {
    // With a time limit no call runs in place: each level stops a thread.
    const chain: RemoteFunction<[n: number], number> = remote((n: number): number =>
      n === 0 ? 0 : 1 + getSync(chain.remote(n - 1), { timeoutMs: 60_000 }),
    );
    const workers = async () => (await session.state("workers")).length;
    t.is(await get(chain.remote(5)), 5);
    const once = await workers();
    t.true(once >= 6, `${once} threads`);
    for (let i = 0; i < 5; i++) t.is(await get(chain.remote(5)), 5);
    t.is(await workers(), once);
    // The threads say so after the results.
    while ((await session.load()).free.cpus !== 10_000) await new Promise((resolve) => setImmediate(resolve));
  },
  { cpus: 1 },
);

scenario("getSync: a thread ends while others wait for what it runs, and while it waits itself", async (t) => {
  const attempts = put(new Int32Array(new SharedArrayBuffer(8)));
  const dies = remote((counts: Int32Array, at: number) => {
    if (Atomics.add(counts, at, 1) < 2) process.exit(1);
    return Atomics.load(counts, at);
  });
  const elsewhere = remote((counts: { ref: ObjectRef<Int32Array> }) =>
    getSync(dies.remote(counts.ref, 0), { timeoutMs: 60_000 }),
  );
  const inPlace = remote((counts: { ref: ObjectRef<Int32Array> }) => getSync(dies.remote(counts.ref, 1)));
  t.is(await get(elsewhere.remote({ ref: attempts })), 3);
  t.is(await get(inPlace.remote({ ref: attempts })), 3);
  const always = remote(() => process.exit(1), { maxRetries: 0 });
  const root = remote(() => getSync(always.remote(), { timeoutMs: 60_000 }));
  await t.throwsAsync(get(root.remote()), { message: /worker.*process\.exit/s });
});

scenario(
  "getSync: a result that only a task on the same thread can bring is refused, not waited for",
  async (t) => {
    const gate = put(new Int32Array(new SharedArrayBuffer(4)));
    // On a thread of its own, so that the other one is free.
    class Never {
      wait(): Promise<number> {
        return new Promise(() => {});
      }
    }
    const never = remote(Never).remote();
    const waits = remote(async (flags: Int32Array, ref: { never: ObjectRef<number> }) => {
      Atomics.store(flags, 0, 1);
      return await get(ref.never);
    });
    const asks = remote((flags: Int32Array, ref: { waits: ObjectRef<number> }) => {
      if (Atomics.load(flags, 0) === 0) return "too early";
      return getSync(ref.waits);
    });
    const waiting = waits.remote(gate, { never: never.wait.remote() });
    const flags = await get(gate);
    while (Atomics.load(flags, 0) === 0) await new Promise((resolve) => setImmediate(resolve));
    await t.throwsAsync(get(asks.remote(gate, { waits: waiting })), {
      message: /whose task awaits on this very thread.*await get/,
    });
    cancel(waiting, { force: true });
    await t.throwsAsync(get(waiting), { code: "TASK_CANCELLED" });
  },
  { cpus: 1 },
);

test("getSync is a verb of tasks: a thread without a session says what to do", (t) => {
  t.throws(() => getSync([]), { code: "FAILED_PRECONDITION", message: /no session/ });
});
