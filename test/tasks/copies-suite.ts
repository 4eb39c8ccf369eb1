import { get, getSync, kill, put, remote } from "../../src/tasks/index.js";
import type { Scenario } from "./scenario.js";

/** What travels, of each kind that code could change. */
interface Given {
  list: (number | number[])[];
  map: Map<string, { n: number }>;
  set: Set<number>;
  date: Date;
  error: Error;
  small: Float64Array;
  again: Float64Array;
  bytes: Buffer;
  large: Float64Array;
}

function makeGiven(): Given {
  const small = new Float64Array(8);
  return {
    list: [1, [2]],
    map: new Map([["a", { n: 1 }]]),
    set: new Set([1]),
    date: new Date(5),
    error: new RangeError("before"),
    small,
    again: small,
    bytes: Buffer.from("before"),
    large: new Float64Array(20_000),
  };
}

/** Changes all of it, but for arrays in the store where those must not be written to; returns whether it got what `makeGiven` made. */
function spoil(given: Given, writesStored: boolean): boolean {
  const [first, inner] = given.list as [number, number[]];
  const asGiven =
    first === 1 &&
    inner.join() === "2" &&
    given.list.length === 2 &&
    given.map.size === 1 &&
    given.map.get("a")!.n === 1 &&
    given.set.size === 1 &&
    given.date.getTime() === 5 &&
    given.error.message === "before" &&
    given.small[0] === 0 &&
    given.again === given.small &&
    given.bytes.toString() === "before" &&
    given.large[0] === 0;
  given.list.push(99);
  inner[0] = 99;
  given.map.get("a")!.n = 99;
  given.map.set("b", { n: 99 });
  given.set.add(99);
  given.date.setTime(99);
  given.error.message = "after";
  // Beside a large array, small ones lie in the store, too.
  if (writesStored || given.large.length === 1)
    for (const array of [given.small, given.bytes, given.large]) array[0] = 99;
  return asGiven;
}

/**
 * What a task does to its arguments, and a reader to what it got, nobody else sees. `writesStored`: also where tasks write to
 * typed arrays that lie in the store; their caller's own array is another one.
 */
export function testCopies(scenario: Scenario, { writesStored }: { writesStored: boolean }): void {
  const task = remote((given: Given, again: Given) => [spoil(given, writesStored), spoil(again, writesStored)]);
  class Spoiler {
    spoil(given: Given, again: Given, _?: unknown): boolean[] {
      return [spoil(given, writesStored), spoil(again, writesStored)];
    }
    /** Its own state is changed by nobody. */
    readonly #state = makeGiven();
    give(): Given {
      return this.#state;
    }
  }
  const Alone = remote(Spoiler);
  const Shared = remote(Spoiler, { hosted: "shared" });
  const unspoilt = [true, true];

  scenario("copies: a task, on another thread or where the node's scheduler put it", async (t) => {
    const given = makeGiven();
    for (const way of [task, task.options({ numCpus: 0.5 })]) {
      t.deepEqual(await get([way.remote(given, given), way.remote(given, given)]), [unspoilt, unspoilt]);
      t.deepEqual(given, makeGiven());
    }
    // What the caller does after the call does not show, either.
    const late = task.remote(given, given);
    spoil(given, true);
    t.deepEqual(await get(late), unspoilt);
  });

  scenario("copies: tasks of a task, kept on its thread, given away, or run in place", async (t) => {
    const parent = remote(async () => {
      const given = makeGiven();
      // Once it has run it is kept, and of many some are given away.
      const got = [await get(task.remote(given, given))];
      got.push(...(await get(Array.from({ length: 20 }, () => task.remote(given, given)))));
      return got.flat().every((same) => same) && spoil(given, true);
    });
    t.true(await get(parent.remote()));
    const stops = remote(() => {
      const given = makeGiven();
      const got = [getSync(task.remote(given, given)), getSync(task.remote(given, given))];
      return got.flat().every((same) => same) && spoil(given, true);
    });
    t.true(await get(stops.remote()));
  });

  scenario("copies: methods of actors, by ring and by the node, alone and on a shared thread", async (t) => {
    for (const Actor of [Alone, Shared]) {
      const actor = Actor.remote();
      const given = makeGiven();
      const small = { ...makeGiven(), large: new Float64Array(1) };
      t.deepEqual(await get([actor.spoil.remote(given, given), actor.spoil.remote(small, small)]), [
        unspoilt,
        unspoilt,
      ]);
      // What has references inside goes by the node.
      t.deepEqual(await get(actor.spoil.remote(small, given, { ref: put(1) })), unspoilt);
      t.deepEqual(given, makeGiven());
      t.deepEqual(small.map, makeGiven().map);
      const caller = remote(async (spoiler: typeof actor) => {
        const own = makeGiven();
        return [await get(spoiler.spoil.remote(own, own)), spoil(own, true)];
      });
      t.deepEqual(await get(caller.remote(actor)), [unspoilt, true]);
      // The receiver of what an actor keeps cannot change that.
      t.true(spoil(await get(actor.give.remote()), true));
      t.true(spoil(await get(actor.give.remote()), true));
      kill(actor);
    }
  });

  scenario("copies: a stored value is new for each reader, but for its large arrays", async (t) => {
    const stored = put({ ...makeGiven(), large: new Float64Array(1) });
    t.deepEqual(await get([task.remote(stored, stored), task.remote(stored, stored)]), [unspoilt, unspoilt]);
    t.true(spoil(await get(stored), true));
    t.true(spoil(await get(stored), true));
    const [one, other] = await get([stored, stored]);
    t.true(spoil(one, true));
    t.true(spoil(other, true));
    const result = remote(() => ({ ...makeGiven(), large: new Float64Array(1) })).remote();
    t.true(spoil(await get(result), true));
    t.true(spoil(await get(result), true));
    t.deepEqual(await get(task.remote(result, result)), unspoilt);
  });

  scenario("copies: what was read from the store and is passed on is another array", async (t) => {
    const read = await get(put(makeGiven()));
    t.true(read.large.buffer instanceof SharedArrayBuffer);
    t.deepEqual(await get(task.remote(read, read)), unspoilt);
    t.deepEqual(read, makeGiven());
    const passOn = remote((given: Given) => ({ given }));
    const source = put(makeGiven());
    const { given } = await get(passOn.remote(source));
    t.true(spoil(given, true));
    t.deepEqual(await get(source), makeGiven());
  });
}
