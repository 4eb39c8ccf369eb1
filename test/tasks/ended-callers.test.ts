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
