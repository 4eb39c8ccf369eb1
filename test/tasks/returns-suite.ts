import {
  cancel,
  createScope,
  get,
  kill,
  type ObjectRef,
  ObjectRefGenerator,
  put,
  remote,
  wait,
} from "../../src/tasks/index.js";
import type { Scenario } from "./scenario.js";
import { rest, until } from "./session.js";

/** What a backend promises about calls that make several objects, or a stream of them. */
export function testReturns(scenario: Scenario): void {
  const split = remote((text: string): [string, number] => [text, text.length], { numReturns: 2 });
  const add = remote((a: number, b: number) => a + b);

  scenario("numReturns: an array of references, each of which is an object of its own", async (t) => {
    using scope = createScope();
    const [text, length] = scope.add(split.remote("four"));
    t.is(await get(scope.add(add.remote(length, 1))), 5);
    t.is(await get(text), "four");
    t.deepEqual(await wait([length]), [[length], []]);
    const inside = remote(async (word: string) => {
      const [, letters] = split.remote(word);
      return await get(letters);
    });
    t.is(await get(scope.add(inside.remote("three"))), 5);
    t.deepEqual(split.options({ numReturns: 0 }).remote("none"), []);
    const [rest] = split.remote("rest");
    rest[Symbol.dispose]();
  });

  scenario("a result that is no array of so many values fails all of them", async (t) => {
    const two = remote((): unknown => [1, 2], { numReturns: 3 });
    for (const ref of two.remote()) {
      const message = /returned an array of 2, but has numReturns: 3/;
      await t.throwsAsync(get(ref), { code: "TASK_FAILED", message });
    }
    const none = remote((): unknown => 7, { numReturns: 2 });
    await t.throwsAsync(get(none.remote()[1]!), { code: "TASK_FAILED", message: /returned no array/ });
    const explode = remote(
      (): number[] => {
        throw new RangeError("none at all");
      },
      { numReturns: 2 },
    );
    for (const ref of explode.remote()) await t.throwsAsync(get(ref), { message: /none at all/ });
    for (const numReturns of [-1, 1.5]) t.throws(() => two.options({ numReturns }), { code: "INVALID_ARGUMENT" });
  });

  scenario("3,000 returns, 10,000 arguments and 10,000 references in one get", async (t, session) => {
    {
      using scope = createScope();
      const many = remote((count: number) => Array.from({ length: count }, (_, i) => i), { numReturns: 3_000 });
      const refs = scope.add(many.remote(3_000));
      t.deepEqual(
        await get(refs),
        Array.from({ length: 3_000 }, (_, i) => i),
      );
      const sum = remote((...values: number[]) => values.reduce((a, b) => a + b, 0));
      const values = Array.from({ length: 10_000 }, (_, i) => i);
      t.is(await get(scope.add(sum.remote(...values))), 49_995_000);
      const results = values.map((i) => scope.add(add.remote(i, 1)));
      t.is(await get(scope.add(sum.remote(...results))), 50_005_000);
      t.deepEqual(
        await get(results),
        values.map((i) => i + 1),
      );
    }
    t.like(await session.load(), { objects: 0, tasks: 0, waiting: 0, free: { cpus: 20_000 } });
  });

  const count = remote(async function* (to: number, failAt = -1) {
    for (let i = 0; i < to; i++) {
      if (i === failAt) throw new RangeError(`at ${i}`);
      await null;
      yield i;
    }
  });
  const countAtOnce = remote(function* (to: number) {
    for (let i = 0; i < to; i++) yield new Float64Array([i]);
  });
  const collect = async <T>(generator: ObjectRefGenerator<T>): Promise<T[]> => {
    const values: T[] = [];
    for await (const ref of generator) {
      values.push(await get(ref));
      ref[Symbol.dispose]();
    }
    return values;
  };

  scenario("a generator gives a reference to each item, in order, and leaves nothing", async (t, session) => {
    const generator = count.remote(100);
    t.true(generator instanceof ObjectRefGenerator);
    const expected = Array.from({ length: 100 }, (_, i) => i);
    t.deepEqual(await collect(generator), expected);
    t.deepEqual(await generator.next(), { done: true, value: undefined });
    const arrays = await collect(countAtOnce.remote(50));
    t.deepEqual(
      arrays.map(([value]) => value),
      expected.slice(0, 50),
    );
    t.deepEqual(await collect(count.options({ generatorBackpressure: -1 }).remote(100)), expected);
    t.deepEqual(
      await collect(count.options({ generatorBackpressure: 1, numCpus: 0.5 }).remote(10)),
      expected.slice(0, 10),
    );
    t.deepEqual(await collect(count.remote(0)), []);
    t.like(await session.load(), { objects: 0, tasks: 0, waiting: 0, free: { cpus: 20_000 } });
  });

  scenario("items can be had while later ones are not made, and no more are made than may be", async (t) => {
    const made = remote(async function* () {
      for (let i = 0; ; i++) yield [i, Date.now()] as const;
    });
    const generator = made.options({ generatorBackpressure: 3 }).remote();
    const first = (await generator.next()).value!;
    const [, began] = await get(first);
    // Whatever else happens in this time, item 5 is not made before one is taken for it.
    const later = await get(remote(() => Date.now()).remote());
    await generator.next();
    await generator.next();
    await generator.next();
    await generator.next();
    const [index, time] = await get((await generator.next()).value!);
    t.is(index, 5);
    t.true(time >= began && time >= later - 1000);
    await generator.return();
    t.deepEqual(await generator.next(), { done: true, value: undefined });
  });

  scenario("a generator that throws: its items come first, the last reference is the failure", async (t, session) => {
    const refs: ObjectRef<number>[] = [];
    for await (const ref of count.remote(10, 3)) refs.push(ref);
    t.is(refs.length, 4);
    t.deepEqual(await get(refs.slice(0, 3)), [0, 1, 2]);
    await t.throwsAsync(get(refs[3]!), { code: "TASK_FAILED", message: /at 3/ });
    for (const ref of refs) ref[Symbol.dispose]();
    t.like(await session.load(), { objects: 0, tasks: 0 });
  });

  scenario("a loop that is left early ends the generator, and what was not taken is released", async (t, session) => {
    const endless = remote(async function* (log: ObjectRef<Int32Array>[]) {
      const ended = await get(log[0]!);
      try {
        for (let i = 0; ; i++) yield new Float64Array(20_000).fill(i);
      } finally {
        Atomics.store(ended, 0, 1);
        Atomics.notify(ended, 0);
      }
    });
    const shared = new Int32Array(new SharedArrayBuffer(1 << 17));
    using log = put(shared);
    const ended = await get(log);
    const generator = endless.remote([log]);
    let seen = 0;
    for await (const ref of generator) {
      t.is((await get(ref))[0], seen);
      ref[Symbol.dispose]();
      if (++seen === 5) break;
    }
    await until(ended, 0, 1);
    // The other thread's last message may be under way.
    await rest(session);
    t.like(await session.load(), { objects: 1, free: { cpus: 20_000 } });
    const cancelled = endless.remote([log]);
    const first = (await cancelled.next()).value!;
    cancel(cancelled);
    let last: ObjectRef = first;
    for await (const ref of cancelled) last = ref;
    await t.throwsAsync(get(last), { code: "TASK_CANCELLED" });
  });

  scenario(
    "tasks take from generators of other tasks, on one CPU",
    async (t) => {
      const total = remote(async (to: number) => {
        let sum = 0;
        for await (const ref of count.options({ generatorBackpressure: 2 }).remote(to)) sum += await get(ref);
        return sum;
      });
      t.is(await get(total.remote(20)), 190);
      // A stream that nobody takes from holds no CPU.
      const idle = count.remote(1000);
      t.is(await get((await idle.next()).value!), 0);
      t.is(await get(total.remote(5)), 10);
      await idle.return();
    },
    { cpus: 1 },
  );

  class Maker {
    #made = 0;
    *upTo(to: number) {
      for (let i = 0; i < to; i++) yield i + this.#made;
    }
    async *slowly(to: number, failAt = -1) {
      for (let i = 0; i < to; i++) {
        await null;
        if (i === failAt) throw new RangeError(`at ${i}`);
        this.#made += 1;
        yield new Float64Array([i]);
      }
    }
    split(text: string): [string, number] {
      if (text === "") throw new RangeError("nothing to split");
      return [text, text.length];
    }
    made(): number {
      return this.#made;
    }
  }
  for (const hosted of ["alone", "shared"] as const) {
    scenario(
      `methods have numReturns, and may be generators: on ${hosted === "shared" ? "a shared thread" : "a thread of its own"}`,
      async (t, session) => {
        {
          using maker = remote(Maker, { hosted }).remote();
          const pair = maker.split.options({ numReturns: 2 });
          using scope = createScope();
          const [text, length] = scope.add(pair.remote("four"));
          t.is(await get(scope.add(add.remote(length, 1))), 5);
          t.is(await get(text), "four");
          for (const ref of scope.add(pair.remote(""))) {
            await t.throwsAsync(get<unknown>(ref), { message: /nothing to split/ });
          }
          t.deepEqual(await collect(maker.upTo.remote(5)), [0, 1, 2, 3, 4]);
          const later = scope.add(maker.made.remote());
          t.deepEqual(
            (await collect(maker.slowly.options({ generatorBackpressure: 2 }).remote(30))).map(([value]) => value),
            Array.from({ length: 30 }, (_, i) => i),
          );
          // Calls start in the order in which they were made, whichever way they go.
          t.is(await get(later), 0);
          t.is(await get(scope.add(maker.made.remote())), 30);
          const seen: number[] = [];
          for await (const ref of maker.slowly.remote(10, 2)) {
            scope.add(ref);
            if (seen.length === 2) await t.throwsAsync(get(ref), { code: "TASK_FAILED", message: /at 2/ });
            else seen.push((await get(ref))[0]!);
          }
          t.deepEqual(seen, [0, 1]);
          for await (const ref of maker.slowly.remote(1_000_000)) {
            ref[Symbol.dispose]();
            break;
          }
          t.true((await get(scope.add(maker.made.remote()))) < 100);
        }
        await rest(session);
        t.like(await session.load(), { objects: 0, tasks: 0, waiting: 0, free: { cpus: 20_000 } });
      },
    );
  }

  for (const hosted of ["alone", "shared"] as const) {
    scenario(
      `what is cancelled before it is sent does not begin: on ${hosted === "shared" ? "a shared thread" : "a thread of its own"}`,
      async (t, session) => {
        class Counter {
          #begun = 0;
          split(text: string): [string, number] {
            this.#begun += 1;
            return [text, text.length];
          }
          async *items(text: string) {
            this.#begun += 1;
            for (;;) yield text;
          }
          begun(): number {
            return this.#begun;
          }
        }
        const cancelled = { code: "TASK_CANCELLED" } as const;
        {
          using scope = createScope();
          using counter = remote(Counter, { hosted, maxConcurrency: 1 }).remote();
          const pair = counter.split.options({ numReturns: 2 });
          const cancelAll = async (argument: string | ObjectRef<string>) => {
            const parts = scope.add(pair.remote(argument));
            cancel(parts[1]);
            const stream = counter.items.remote(argument);
            cancel(stream);
            await counter.items.remote(argument).return();
            for (const part of parts) await t.throwsAsync(get<unknown>(part), cancelled);
            const refs: ObjectRef[] = [];
            for await (const ref of stream) refs.push(scope.add(ref));
            t.is(refs.length, 1);
            await t.throwsAsync(get(refs[0]!), cancelled);
          };
          // While the actor starts, and while an argument is not there.
          await cancelAll("x");
          const never = scope.add(remote(() => new Promise<string>(() => {})).remote());
          await cancelAll(never);
          t.is(await get(scope.add(counter.begun.remote())), 0);
          cancel(never);
          await t.throwsAsync(get(never), cancelled);
        }
        while ((await session.load()).tasks > 0) await new Promise((resolve) => setTimeout(resolve, 1));
        t.like(await session.load(), { objects: 0, tasks: 0, waiting: 0, free: { cpus: 20_000 } });
      },
    );
  }

  scenario("calls of a dead actor fail all that they should have made", async (t) => {
    const maker = remote(Maker).remote();
    await get(maker.made.remote());
    kill(maker);
    for (const ref of maker.split.options({ numReturns: 2 }).remote("x")) {
      await t.throwsAsync(get<unknown>(ref), { code: "ACTOR_DIED" });
    }
    const refs: ObjectRef[] = [];
    for await (const ref of maker.upTo.remote(3)) refs.push(ref);
    t.is(refs.length, 1);
    await t.throwsAsync(get(refs[0]!), { code: "ACTOR_DIED" });
    t.throws(() => maker.upTo.options({ numReturns: 2 }), { code: "INVALID_ARGUMENT" });
    t.throws(() => maker.made.options({ generatorBackpressure: 2 }), { code: "INVALID_ARGUMENT" });
  });
}
