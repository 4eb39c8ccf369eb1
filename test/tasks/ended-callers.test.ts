import { get, type ObjectRef, put, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

/** Callers whose threads end while an actor still has answers for them. */
const scenario = scenariosOn(makeWorkers);

const calls = 60;

class Speaker {
  readonly #said: Int32Array;

  constructor(said: Int32Array) {
    this.#said = said;
  }
  /** Its results fill a ring soon. */
  say(): string {
    Atomics.add(this.#said, 0, 1);
    Atomics.notify(this.#said, 0);
    return "many words ".repeat(2_000);
  }
  /** How often this thread looked for something to do in 100 ms. */
  async turns(): Promise<number> {
    const { uvMetricsInfo: before } = performance.nodeTiming as unknown as { uvMetricsInfo: { loopCount: number } };
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { uvMetricsInfo: after } = performance.nodeTiming as unknown as { uvMetricsInfo: { loopCount: number } };
    return after.loopCount - before.loopCount;
  }
}
const RemoteSpeaker = remote(Speaker);

for (const hosted of ["alone", "shared"] as const) {
  scenario(`${hosted}: an actor whose caller ended does not try to answer it for ever`, async (t) => {
    const said = new Int32Array(new SharedArrayBuffer(4));
    const actor = RemoteSpeaker.options({ hosted }).remote(put(said));
    const leave = remote(
      async (handle: typeof actor, count: Int32Array, total: number): Promise<void> => {
        await get(handle.say.remote());
        const answers: ObjectRef<string>[] = [];
        for (let i = 1; i < total; i++) answers.push(handle.say.remote());
        await new Promise((resolve) => setImmediate(resolve));
        // Nobody takes results now.
        for (let at = 0; at < total; at = Atomics.load(count, 0)) Atomics.wait(count, 0, at, 100);
        process.exit(answers.length);
      },
      { maxRetries: 0 },
    );
    await t.throwsAsync(get(leave.remote(actor, put(said), calls)), { code: "WORKER_DIED" });
    t.is(said[0], calls);
    const turns = await get(actor.turns.remote());
    t.true(turns < 200, `${turns} turns`);
    t.is((await get(actor.say.remote())).length, 22_000);
  });
}

scenario("a worker whose owner ended does not try to answer a last call for ever", async (t, session) => {
  // How many calls were made; whether the last one may end; what its thread did then.
  const words = new Int32Array(new SharedArrayBuffer(12));
  const said = (count: Int32Array): string => {
    Atomics.add(count, 0, 1);
    Atomics.notify(count, 0);
    return "many words ".repeat(2_000);
  };
  const say = remote((count: Int32Array): string => said(count));
  const linger = remote(async (count: Int32Array): Promise<string> => {
    const result = said(count);
    while (Atomics.load(count, 1) === 0) await new Promise((resolve) => setImmediate(resolve));
    const loops = (): number =>
      (performance.nodeTiming as unknown as { uvMetricsInfo: { loopCount: number } }).uvMetricsInfo.loopCount;
    setImmediate(() => {
      const before = loops();
      setTimeout(() => {
        Atomics.store(count, 2, loops() - before);
      }, 100);
    });
    return result;
  });
  const leave = remote(
    async (count: Int32Array, total: number): Promise<void> => {
      const shared = put(count);
      const answers: ObjectRef<string>[] = [];
      for (let i = 1; i < total; i++) answers.push(say.remote(shared));
      answers.push(linger.remote(shared));
      await new Promise((resolve) => setImmediate(resolve));
      // Nobody takes results now.
      for (let at = 0; at < total; at = Atomics.load(count, 0)) Atomics.wait(count, 0, at, 100);
      process.exit(answers.length);
    },
    { maxRetries: 0 },
  );
  await t.throwsAsync(get(leave.remote(put(words), 12)), { code: "WORKER_DIED" });
  await session.load();
  Atomics.store(words, 1, 1);
  while (Atomics.load(words, 2) === 0) await new Promise((resolve) => setImmediate(resolve));
  t.true(words[2]! < 200, `${words[2]} turns`);
});

scenario("a worker is free again that took a call of which nobody can say any more what it calls", async (t) => {
  const known = remote(() => {});
  const nothing = remote(() => {});
  class Leaver {
    async leave(): Promise<void> {
      await get(known.remote());
      // They are put up before their messages are sent.
      for (let i = 0; i < 600; i++) nothing.remote();
      process.exit(1);
    }
  }
  const meet = remote((met: Int32Array): boolean => {
    if (Atomics.add(met, 0, 1) === 0) Atomics.wait(met, 0, 1);
    Atomics.notify(met, 0);
    return true;
  });
  await get(nothing.remote());
  await t.throwsAsync(get(remote(Leaver).remote().leave.remote()), { code: "ACTOR_DIED" });
  const met = put(new Int32Array(new SharedArrayBuffer(4)));
  t.deepEqual(await get([meet.remote(met), meet.remote(met)], { timeoutMs: 10_000 }), [true, true]);
});
