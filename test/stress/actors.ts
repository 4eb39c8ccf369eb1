import { RandomStream } from "../../src/random.js";
import { get, kill, type ObjectRef, put, remote, setContext } from "../../src/tasks/index.js";
import { makeWorkers } from "../tasks/session.js";
import { Killer } from "./killer.js";
import type { Outcome, Room, RoomOptions } from "./room.js";

const actorCount = 16;
const fullCalls = 600;
const secondsBetweenDeaths = 1;
/** Who calls: the driver, and tasks that were given the handles. */
const callers = 3;

/** What the actors write down outside of themselves, as they forget when they are made anew. */
interface Ledger {
  readonly running: Int32Array;
  /** By call: how often it began, and how often it ended. */
  readonly begun: Int32Array;
  readonly ended: Int32Array;
  /** By actor and caller: the newest call that began. */
  readonly newest: Int32Array;
  /** How many calls began after a later one of the same caller. */
  readonly faults: Int32Array;
}

class Sleeper {
  readonly #ledger: Ledger;
  readonly #actor: number;
  readonly #threadId: number;
  constructor(ledger: Ledger, actor: number) {
    this.#ledger = ledger;
    this.#actor = actor;
    this.#threadId = process.getBuiltinModule("node:worker_threads").threadId;
  }
  /** Takes so long, without computing; `at` is its number among all calls, `turn` among those of its caller. */
  work(at: number, caller: number, turn: number, milliseconds: number): number {
    const { running, begun, ended, newest, faults } = this.#ledger;
    Atomics.store(running, this.#threadId, at + 1);
    Atomics.add(begun, at, 1);
    const last = Atomics.exchange(newest, this.#actor * 3 + caller, turn);
    // The same one again is a retry.
    if (last > turn) Atomics.add(faults, 0, 1);
    Atomics.wait(faults, 1, 0, milliseconds);
    Atomics.add(ended, at, 1);
    Atomics.store(running, this.#threadId, 0);
    return at * 7 + this.#actor;
  }
}

/** Makes the calls of one caller to all actors, some at a time, and returns their results. */
async function callAll(
  actors: readonly ReturnType<typeof makeActor>[],
  caller: number,
  plan: readonly (readonly [actor: number, at: number, milliseconds: number])[],
): Promise<number[]> {
  const refs: ObjectRef<number>[] = [];
  const results: number[] = [];
  let turn = 0;
  for (const [actor, at, milliseconds] of plan) {
    turn += 1;
    refs.push(actors[actor]!.work.remote(at, caller, turn, milliseconds));
  }
  results.push(...(await get(refs)));
  for (const ref of refs) ref[Symbol.dispose]();
  return results;
}

function makeActor(ledger: ObjectRef<Ledger>, actor: number) {
  return remote(Sleeper, { maxRestarts: -1, maxTaskRetries: -1, name: `sleeper-${actor}` }).remote(ledger, actor);
}

async function run({ seed, share }: RoomOptions): Promise<Outcome> {
  const random = new RandomStream(seed, "actors");
  const calls = Math.ceil(fullCalls * share);
  const count = actorCount * calls;
  const session = await makeWorkers({ cpus: 2 });
  const broken: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) broken.push(what);
  };
  try {
    const killer = new Killer(session, random);
    const words = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
    const newest = words(actorCount * callers);
    const ledger = { running: killer.running, begun: words(count), ended: words(count), newest, faults: words(2) };
    const shared = put(ledger as Ledger);
    const actors = Array.from({ length: actorCount }, (_, actor) => makeActor(shared, actor));
    const plans = Array.from({ length: callers }, (): [number, number, number][] => []);
    for (let at = 0; at < count; at++) {
      plans[random.integer(callers)]!.push([at % actorCount, at, 20 + random.integer(31)]);
    }

    let done = false;
    const began = performance.now();
    const strikes = (async () => {
      while (!done) {
        const due = (performance.now() - began) / 1000 / secondsBetweenDeaths;
        if (killer.busy < due) await killer.strike();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const inside = remote(callAll, { maxRetries: 0 });
    const refs = [1, 2].map((caller) => inside.remote(actors, caller, plans[caller]!));
    const results = [await callAll(actors, 0, plans[0]!), ...(await get(refs))];
    done = true;
    await strikes;
    const seconds = (performance.now() - began) / 1000;

    const wrong = results.flatMap((values, caller) =>
      values.filter((value, i) => value !== plans[caller]![i]![1] * 7 + plans[caller]![i]![0]),
    ).length;
    const again = ledger.begun.reduce((sum, times) => sum + times, 0) - count;
    check(wrong === 0, `${wrong} results are wrong`);
    check(
      ledger.ended.every((times) => times >= 1),
      `${ledger.ended.filter((times) => times === 0).length} calls have a result and did not end`,
    );
    check(ledger.faults[0] === 0, `${ledger.faults[0]} calls began after a later one of their caller`);
    check(
      again >= killer.busy && again <= killer.busy + killer.idle,
      `${again} calls were repeated, ${killer.busy} threads ended inside of one and ${killer.idle} between two`,
    );
    const twice = ledger.ended.filter((times) => times > 1).length;
    check(twice <= killer.idle, `${twice} calls ended twice, though only ${killer.idle} threads ended between two`);
    const restarts = (await session.state("actors")).reduce((sum, row) => sum + row.restarts, 0);
    check(
      restarts >= killer.busy,
      `${killer.busy} threads ended inside of a call, but there were ${restarts} restarts`,
    );
    for (const ref of [...refs, shared]) ref[Symbol.dispose]();
    for (const actor of actors) kill(actor);
    const { free, ...left } = await session.load();
    check(free.cpus === 20_000, `not all resources are back: ${JSON.stringify(free)}`);
    for (const [what, amount] of Object.entries(left)) check(amount === 0, `${amount} ${what} are left`);
    return {
      figures:
        `${actorCount} actors, ${count} calls of ${callers} callers in ${seconds.toFixed(0)} s; ${killer.busy} threads ended inside of ` +
        `a call, ${killer.idle} between two; ${restarts} restarts, ${again} runs repeated`,
      broken,
    };
  } finally {
    await session.close();
    setContext(undefined);
  }
}

/** Actors that die again and again and are made anew, with calls from several threads. */
export const actors: Room = {
  name: "actors",
  bound:
    "16 actors × 600 calls of 20 to 50 ms, and the end of a busy actor each second: nothing lost, nothing repeated that was not interrupted, each " +
    "caller's order kept, all resources back",
  run,
};
