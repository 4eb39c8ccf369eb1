import { RayflightError } from "../../src/error.js";
import type { StoreUsage } from "../../src/store/index.js";
import { free, get, type ObjectRef, put, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers, type Session } from "./session.js";

const KiB = 1024;
const MiB = 1024 * KiB;

/** Large objects: where they lie, what they count, how they are lost and made again. */
const scenario = scenariosOn(makeWorkers);

const usage = (session: Session) => session.ask<StoreUsage>("test.usage");

/** A function of its own, so that it keeps no more than its value. */
const putter = (value: unknown) => () => put(value);

const fill = remote(function fill(mark: number, bytes: number) {
  return new Uint8Array(bytes).fill(mark);
});
const sum = remote(function sum(...arrays: Uint8Array[]) {
  return arrays.reduce((total, array) => total + array[0]! + array.at(-1)!, 0);
});

scenario(
  "a working set of four times the store: what tasks make, others read, from disk where it must be",
  async (t, session) => {
    const count = 64;
    const before = process.memoryUsage().rss;
    const parts = Array.from({ length: count }, (_, i) => fill.remote(i % 250, 2 * MiB));
    const totals = parts.map((part, i) => sum.remote(part, parts[(i * 7 + 1) % count]!));
    const expected = parts.map((_, i) => 2 * (i % 250) + 2 * (((i * 7 + 1) % count) % 250));
    t.deepEqual(await get(totals), expected);
    t.deepEqual(
      await get(parts.map((part) => sum.remote(part))),
      parts.map((_, i) => 2 * (i % 250)),
    );
    const { memoryUsed, spillUsed } = await usage(session);
    t.true(memoryUsed <= 32 * MiB, `${memoryUsed}`);
    t.true(memoryUsed + spillUsed >= 128 * MiB, `${spillUsed}`);
    // The rest of what it takes is code and heaps of four threads.
    const grown = process.memoryUsage().rss - before;
    t.log(`the process grew by ${Math.round(grown / MiB)} MiB`);
  },
  { cpus: 2, memory: 32 * MiB, spillLimit: 256 * MiB },
);

scenario(
  "puts in one turn that are more than the store has wait for the disk, not for the turn's end",
  async (t, session) => {
    const refs = Array.from({ length: 40 }, (_, i) => put(new Uint8Array(2 * MiB).fill(i)));
    t.true((await usage(session)).memoryUsed <= 16 * MiB);
    for (const [i, ref] of refs.entries()) t.is((await get(ref))[MiB], i);
  },
  { memory: 16 * MiB, spillLimit: 256 * MiB },
);

scenario(
  "a store without room for what readers hold refuses, and takes again what fits once they let go",
  async (t, session) => {
    const refs = Array.from({ length: 2 }, (_, i) => put(new Uint8Array(3 * MiB).fill(i)));
    const views: Uint8Array[] = await get(refs);
    t.is((await usage(session)).pinned, 2 * (3 * MiB + 64 * KiB));
    await t.throwsAsync(get(put(new Uint8Array(4 * MiB))), { code: "OBJECT_STORE_FULL", message: /readers hold 6/ });
    t.deepEqual(
      views.splice(0).map((view) => view[0]),
      [0, 1],
    );
    const again = put(new Uint8Array(4 * MiB).fill(9));
    t.is((await get(again))[5], 9);
    t.is((await get(refs[1]!))[5], 1);
  },
  { memory: 8 * MiB, spillLimit: 8 * MiB },
);

scenario("large arguments lie in the store until their calls have ended, on every path", async (t, session) => {
  class Holder {
    #held = 0;
    add(array: Uint8Array): number {
      this.#held += array[7]!;
      return this.#held;
    }
  }
  const array = new Uint8Array(300 * KiB).fill(3);
  t.is(await get(sum.remote(array, array)), 12);
  t.is(await get(sum.options({ numCpus: 2 }).remote(array)), 6);
  const holder = remote(Holder).remote();
  t.deepEqual(await get([holder.add.remote(array), holder.add.remote(array)]), [3, 6]);
  using made = fill.remote(1, 200 * KiB);
  using stored = put(array);
  t.is(await get(sum.remote(made, array, stored)), 2 + 6 + 6);
  made[Symbol.dispose]();
  stored[Symbol.dispose]();
  t.is((await session.load()).memory, 0);
});

scenario("a task that returns its argument makes an object of its own", async (t, session) => {
  const same = remote((array: Uint8Array) => array);
  const ref = put(new Uint8Array(200 * KiB).fill(5));
  const other = same.remote(ref);
  const [one, two] = await get([ref, other]);
  t.not(one.buffer, two.buffer);
  t.deepEqual(one, two);
  ref[Symbol.dispose]();
  t.is((await session.load()).memory, 2 * one.buffer.byteLength);
  t.throws(putter({ memory: one.buffer }), { message: /the store's own memory/ });
});

scenario("reading twice gives the same memory, and free ends that", async (t, session) => {
  const ref = put(new Uint8Array(200 * KiB));
  const one = await get(ref);
  t.is((await get(ref)).buffer, one.buffer);
  free(ref);
  await t.throwsAsync(get(ref), { code: "OBJECT_FREED" });
  t.is((await usage(session)).pinned, one.buffer.byteLength);
});

/** A graph in which each task adds to what one or two others made; returns its last objects and what they must be. */
function graph(size: number): { refs: ObjectRef<Uint32Array>[]; expected: number[] } {
  const mix = remote(function mix(at: number, a?: Uint32Array, b?: Uint32Array) {
    const result = new Uint32Array(20_000);
    for (let i = 0; i < result.length; i++) result[i] = (a?.[i] ?? 1) * 3 + (b?.[i] ?? 1) + at;
    return result;
  });
  const refs: ObjectRef<Uint32Array>[] = [];
  const expected: number[] = [];
  for (let i = 0; i < size; i++) {
    const [a, b] = [i - 1 - (i % 3), i - 2 - (i % 11)];
    refs.push(mix.remote(i, refs[a], refs[b]));
    expected.push(((expected[a] ?? 1) * 3 + (expected[b] ?? 1) + i) >>> 0);
  }
  return { refs, expected };
}

scenario(
  "objects that are lost from a graph of 1,000 are made again, and so is what they need that nobody held",
  async (t, session) => {
    const { refs, expected } = graph(1000);
    t.is((await get(refs.at(-1)!))[5], expected.at(-1)!);
    // A third of them nobody holds from here on: their values are dropped, and how they are made is kept.
    refs.forEach((ref, i) => {
      if (i % 3 === 1) ref[Symbol.dispose]();
    });
    const stored = await session.ask<number[]>("test.stored");
    let seed = 12345;
    const drawn = new Set<number>();
    while (drawn.size < 100) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      drawn.add(stored[seed % stored.length]!);
    }
    await session.ask("test.lose", [...drawn]);
    for (const [i, ref] of refs.entries()) {
      if (i % 3 === 1) continue;
      const array = await get(ref);
      if (array[0] !== expected[i] || array.at(-1) !== expected[i]) t.fail(`object ${i} is ${array[0]}`);
    }
    const rows = await session.state("tasks");
    t.true(rows.filter(({ name }) => name === "mix").some(({ attempt }) => attempt > 0));
  },
  { memory: 32 * MiB, spillLimit: 256 * MiB },
);

scenario(
  "what was put or returned by an actor is lost for good, and so is what may not run again",
  async (t, session) => {
    class Maker {
      make(): Uint8Array {
        return new Uint8Array(200 * KiB);
      }
    }
    const refs = [
      put(new Uint8Array(200 * KiB)),
      remote(Maker).remote().make.remote(),
      fill.options({ maxRetries: 0 }).remote(1, 200 * KiB),
    ];
    await get(refs);
    await session.ask("test.lose", await session.ask("test.stored"));
    for (const ref of refs) {
      const error = await t.throwsAsync(get(sum.options({ maxRetries: 0 }).remote(ref)), {
        instanceOf: RayflightError,
      });
      t.like(error, { code: "OBJECT_LOST" });
      t.regex(error!.message, /Only results of tasks can, within their maxRetries/);
    }
  },
);

/** Sees that this thread has let go of what it read: it would not ask for that again. */
async function forgetReads(session: Session): Promise<void> {
  while ((await session.ask<{ loans: number }>("test.peek")).loans > 0) await session.load();
}

const firstOf = async (ref: ObjectRef<Uint32Array>) => (await get(ref))[0];
const several = (at: number) => [1, 2, 3].map((part) => new Uint32Array(40_000).fill(at * part));

scenario(
  "a task that made several objects makes those again that were lost, and those that are needed",
  async (t, session) => {
    const make = remote((at: ObjectRef<number> | number) => several(at as number), { numReturns: 3 });
    const double = remote((array: Uint32Array) => array.map((value) => value * 2));
    const [one, two, three] = make.remote(7) as ObjectRef<Uint32Array>[];
    const doubled = double.remote(two!);
    t.is(await firstOf(doubled), 28);
    await get([one!, three!]);
    // Nobody has the second one: it is made again for who needs it, and the first one stays as it is.
    two![Symbol.dispose]();
    await forgetReads(session);
    const stored = await session.ask<number[]>("test.stored");
    await session.ask(
      "test.lose",
      stored.filter((id) => id !== stored[0]),
    );
    t.is(await firstOf(three!), 21);
    t.is(await firstOf(doubled), 28);
    t.is(await firstOf(one!), 7);
    // With all but one given back, its call is kept still.
    one![Symbol.dispose]();
    doubled[Symbol.dispose]();
    await forgetReads(session);
    await session.ask("test.lose", await session.ask("test.stored"));
    t.is(await firstOf(three!), 21);
  },
);

scenario("items of a stream that were lost are made again, while it goes on and after its end", async (t, session) => {
  const arrays = remote(
    function* arrays(items: number) {
      for (let i = 0; i < items; i++) yield new Uint32Array(40_000).fill(i);
    },
    { generatorBackpressure: 2 },
  );
  const stream = arrays.remote(6);
  const refs: ObjectRef<Uint32Array>[] = [];
  const take = async () => refs.push((await stream.next()).value!);
  for (let i = 0; i < 3; i++) await take();
  await get(refs);
  await forgetReads(session);
  // It stands still, as nobody takes more.
  await session.ask("test.lose", (await session.ask<number[]>("test.stored")).slice(0, 2));
  for (const [i, ref] of refs.entries()) t.is(await firstOf(ref), i);
  for (let i = 3; i < 6; i++) await take();
  t.true((await stream.next()).done);
  for (const ref of refs.splice(1, 2)) ref[Symbol.dispose]();
  await forgetReads(session);
  await session.ask("test.lose", await session.ask("test.stored"));
  for (const [i, ref] of refs.entries()) t.is(await firstOf(ref), [0, 3, 4, 5][i]);
  const rows = await session.state("tasks");
  t.is(rows.filter(({ name }) => name === "arrays").length, 3);
});

scenario("a stream that ends earlier when its items are made again: those are lost", async (t, session) => {
  const shrinking = remote(
    function* (made: Int32Array) {
      const items = Atomics.add(made, 0, 1) === 0 ? 2 : 1;
      for (let i = 0; i < items; i++) yield new Uint32Array(40_000).fill(i);
    },
    { numCpus: 1 },
  );
  const made = put(new Int32Array(30_000));
  const refs: ObjectRef<Uint32Array>[] = [];
  for await (const ref of shrinking.remote(made)) refs.push(ref);
  t.is(refs.length, 2);
  const stored = await session.ask<number[]>("test.stored");
  await session.ask("test.lose", stored.slice(-2));
  t.is(await firstOf(refs[0]!), 0);
  await t.throwsAsync(get(refs[1]!), { code: "OBJECT_LOST", message: /ended before it/ });
});

scenario("making an object again counts against maxRetries", async (t, session) => {
  const ref = fill.options({ maxRetries: 2 }).remote(4, 200 * KiB);
  // In a function of its own: this one's frame may hold what it read for longer than it needs it.
  const read = async () => (await get(ref))[5];
  for (let i = 0; i < 3; i++) {
    t.is(await read(), 4);
    await forgetReads(session);
    await session.ask("test.lose", await session.ask("test.stored"));
  }
  await t.throwsAsync(get(ref), { code: "OBJECT_LOST" });
});
