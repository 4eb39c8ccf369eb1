import test from "ava";
import { Pauses } from "../../src/tasks/host/pauses.js";
import { get, kill, put, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

const scenario = scenariosOn(makeWorkers);

test("the first three are free, pauses double up to a limit, and a constructor that returns ends the series", async (t) => {
  let tell: () => void = () => {};
  const pauses = new Pauses(() => tell(), { firstMilliseconds: 10, longestMilliseconds: 40 });
  const waited: number[] = [];
  const pause = async () => {
    const began = performance.now();
    const over = new Promise<void>((resolve) => {
      tell = resolve;
    });
    if (!pauses.begin(1)) return 0;
    await over;
    return performance.now() - began;
  };
  for (let i = 0; i < 7; i++) waited.push(await pause());
  t.deepEqual(waited.slice(0, 3), [0, 0, 0]);
  // A timer may be a millisecond early by another clock.
  for (const [i, least] of [10, 20, 40, 40].entries()) t.true(waited[3 + i]! > least - 2, `${waited}`);
  t.false(pauses.begin(2));
  pauses.end(1);
  t.is(await pause(), 0);
  pauses.close();
});

/** Its constructor ends the thread the first `deaths` times. */
class Stillborn {
  constructor(runs: Int32Array, deaths: number) {
    const run = Atomics.add(runs, 0, 1);
    if (run < deaths) process.exit(3);
  }
  answer(): number {
    return 42;
  }
}

for (const hosted of ["alone", "shared"] as const) {
  const make = remote(Stillborn, { hosted, maxRestarts: -1, maxTaskRetries: -1 });

  scenario(`${hosted}: an actor is there after a constructor that ended its thread five times`, async (t, session) => {
    const runs = new Int32Array(new SharedArrayBuffer(4));
    const actor = make.remote(put(runs), 5);
    t.is(await get(actor.answer.remote()), 42);
    t.is(runs[0], 6);
    t.like((await session.state("actors"))[0], { state: "alive", restarts: 5 });
  });

  scenario(`${hosted}: an actor that pauses can be killed, and holds up no other`, async (t, session) => {
    const runs = new Int32Array(new SharedArrayBuffer(4));
    const actor = make.remote(put(runs), 1_000_000);
    const call = actor.answer.remote();
    while (Atomics.load(runs, 0) < 5) await new Promise((resolve) => setImmediate(resolve));
    const other = make.remote(put(new Int32Array(new SharedArrayBuffer(4))), 0);
    t.is(await get(other.answer.remote()), 42);
    kill(actor);
    await t.throwsAsync(get(call), { code: "ACTOR_DIED", message: /was killed/ });
    kill(other);
    t.like(await session.load(), { actors: 0, waiting: 0, free: { cpus: 20_000 } });
  });
}
