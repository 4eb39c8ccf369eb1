import {
  type ActorHandle,
  get,
  getSync,
  type ObjectRef,
  put,
  type RemoteFunction,
  remote,
} from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import type { MakeSession } from "./session.js";

/** What `getSync` promises on every backend. */
export function testSyncReads(make: MakeSession): void {
  const serial = scenariosOn(make);
  const scenario: typeof serial = (title, body, options) => serial(`getSync: ${title}`, body, options);

  const fib: RemoteFunction<[n: number], number> = remote((n: number): number => {
    if (n < 2) return n;
    const [a, b] = getSync([fib.remote(n - 1), fib.remote(n - 2)]);
    return a + b;
  });

  scenario("a recursion that waits at every level ends, with many roots at once", async (t, session) => {
    t.is(await get(fib.remote(16)), 987);
    const roots = Array.from({ length: 40 }, (_, i) => fib.remote(i % 12));
    const expected = [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89];
    t.deepEqual(
      await get(roots),
      roots.map((_, i) => expected[i % 12]),
    );
    roots.length = 0;
    t.deepEqual((await session.load()).free.cpus, 20_000);
  });

  scenario("one and many, by the verb and by the reference, values from everywhere", async (t) => {
    const double = remote((n: number) => 2 * n);
    const given = put({ deep: [1, 2] });
    const large = put(new Float64Array(20_000).fill(3));
    const read = remote((refs: { given: ObjectRef<{ deep: number[] }>; large: ObjectRef<Float64Array> }) => {
      const own = put("own");
      const { deep } = getSync(refs.given);
      const [text, floats, four] = getSync([own, refs.large, double.remote(2)]);
      return [deep, text, floats.length, floats[9], four, double.remote(3).getSync(), getSync([])];
    });
    t.deepEqual(await get(read.remote({ given, large })), [[1, 2], "own", 20_000, 3, 4, 6, []]);
  });

  scenario("functions that call each other and wait, deeper than there are threads", async (t) => {
    const even: RemoteFunction<[n: number], boolean> = remote((n: number): boolean =>
      n === 0 ? true : getSync(odd.remote(n - 1)),
    );
    const odd: RemoteFunction<[n: number], boolean> = remote((n: number): boolean =>
      n === 0 ? false : getSync(even.remote(n - 1)),
    );
    t.is(await get(even.remote(150)), true);
  });

  scenario("results of calls with arguments of their own, of large objects and of other demands", async (t) => {
    const sum = remote((array: Float64Array, more: number) => array.reduce((a, b) => a + b, more));
    const make = remote(() => new Float64Array(20_000).fill(1));
    const half = remote((n: number) => n / 2, { numCpus: 0.5 });
    const root = remote(() => {
      const array = make.remote();
      return getSync([sum.remote(array, half.remote(4)), half.remote(half.remote(8))]);
    });
    t.deepEqual(await get(root.remote()), [20_002, 2]);
  });

  scenario("tasks of other demands wait for others of the same demand", async (t) => {
    const half: RemoteFunction<[n: number], number> = remote(
      (n: number): number => (n === 0 ? 1 : 1 + getSync(half.remote(n - 1))),
      { numCpus: 0.5 },
    );
    t.deepEqual(await get(Array.from({ length: 5 }, () => half.remote(3))), new Array(5).fill(4));
  });

  scenario("tasks and actors that wait for each other in turn", async (t) => {
    class Relay {
      pass(depth: number): number {
        return depth === 0 ? 0 : 1 + getSync(step.remote(depth - 1));
      }
    }
    const RemoteRelay = remote(Relay);
    const step: RemoteFunction<[depth: number], number> = remote((depth: number): number => {
      if (depth === 0) return 0;
      using relay = RemoteRelay.remote();
      return 1 + getSync(relay.pass.remote(depth - 1));
    });
    t.deepEqual(await get([step.remote(4), step.remote(5)]), [4, 5]);
  });

  scenario("an actor waits for tasks, and keeps the order of its calls", async (t) => {
    const double = remote((n: number) => 2 * n);
    class Sums {
      #sum = 0;
      add(n: number): number {
        this.#sum += getSync(double.remote(n));
        return this.#sum;
      }
    }
    const sums = remote(Sums).remote();
    t.deepEqual(await get([1, 2, 3, 4].map((n) => sums.add.remote(n))), [2, 6, 12, 20]);
  });

  scenario("failures are thrown where it waits, with the function's name", async (t) => {
    const explode = remote(function explode(): number {
      throw new RangeError("boom");
    });
    const careful = remote(() => {
      try {
        return getSync(explode.remote());
      } catch (error) {
        return (error as Error).message;
      }
    });
    t.regex((await get(careful.remote())) as string, /explode failed: RangeError: boom/);
    const careless = remote(function careless(): number {
      return getSync([put(1), explode.remote()])[0]!;
    });
    await t.throwsAsync(get(careless.remote()), { code: "TASK_FAILED", message: /careless failed: explode failed/ });
    const retried = remote(
      (count: ActorHandle<Count>) => {
        if (getSync(count.next.remote()) < 2) throw new Error("not yet");
        return "at last";
      },
      { retryExceptions: true },
    );
    class Count {
      value = 0;
      next(): number {
        return this.value++;
      }
    }
    const count = remote(Count).remote();
    const root = remote((handle: ActorHandle<Count>) => getSync(retried.remote(handle)));
    t.is(await get(root.remote(count)), "at last");
  });

  scenario("what a task does to what it got shows neither to its child nor to its parent", async (t) => {
    const spoil = remote((list: number[]) => {
      list.push(9);
      return list;
    });
    const root = remote(() => {
      const mine = [1];
      const ref = put(mine);
      const results = [getSync(spoil.remote(mine)), getSync(spoil.remote(ref)), getSync(ref), mine];
      getSync(ref).push(7);
      return [...results, getSync(ref)];
    });
    t.deepEqual(await get(root.remote()), [[1, 9], [1, 9], [1], [1], [1]]);
  });

  scenario("it is refused on the driver's thread, and where it would hold up calls that overlap", async (t) => {
    const ref = put(1);
    t.throws(() => getSync(ref), { code: "FAILED_PRECONDITION", message: /outside of tasks and actors.*await get/ });
    t.throws(() => ref.getSync(), { code: "FAILED_PRECONDITION" });
    class Async {
      async wait(inner: { ref: ObjectRef<number> }): Promise<number> {
        await null;
        return getSync(inner.ref);
      }
      other(inner: { ref: ObjectRef<number> }): number {
        return getSync(inner.ref);
      }
    }
    const overlapping = remote(Async).remote();
    const refused = { code: "TASK_FAILED", message: /hold up other calls of Async.*await get/ };
    await t.throwsAsync(get(overlapping.wait.remote({ ref })), refused);
    await t.throwsAsync(get(overlapping.other.remote({ ref })), refused);
    const alone = remote(Async, { maxConcurrency: 1 }).remote();
    t.deepEqual(await get([alone.wait.remote({ ref }), alone.other.remote({ ref })]), [1, 1]);
  });

  scenario("with a time limit it gives up, and the task goes on", async (t) => {
    const never = remote(() => new Promise<number>(() => {}));
    const later = remote(() => 5);
    const root = remote(() => {
      try {
        return getSync(never.remote(), { timeoutMs: 10 });
      } catch (error) {
        return [(error as { code?: string }).code, getSync(later.remote(), { timeoutMs: 60_000 })];
      }
    });
    t.deepEqual(await get(root.remote()), ["GET_TIMEOUT", 5]);
  });

  scenario("misuse is explained", async (t) => {
    const misuse = remote(() => getSync(7 as never));
    await t.throwsAsync(get(misuse.remote()), { message: /getSync\(\) got a number in place of an ObjectRef/ });
    const released = remote(() => {
      const ref = put(1);
      ref[Symbol.dispose]();
      return getSync(ref);
    });
    await t.throwsAsync(get(released.remote()), { message: /was released/ });
  });
}
