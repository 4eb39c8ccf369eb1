import { RayflightError } from "../../src/error.js";
import {
  ActorPool,
  asCompleted,
  cancel,
  createQueue,
  createScope,
  free,
  get,
  getGpuIds,
  kill,
  type ObjectRef,
  put,
  remote,
  wait,
} from "../../src/tasks/index.js";
import type { Scenario } from "./scenario.js";

/** The contract of a backend, as one list of tests. Each one gets a session of its own. */
export function testBackend(scenario: Scenario): void {
  const add = remote((a: number, b: number) => a + b);
  const fail = remote(function explode(message: string): number {
    throw new TypeError(message);
  });
  const never = remote(() => new Promise<number>(() => {}));

  class Counter {
    value: number;
    constructor(start: number) {
      if (start < 0) throw new RangeError("start is negative");
      this.value = start;
    }
    postinc(): number {
      return this.value++;
    }
    async later(log: string): Promise<string> {
      await null;
      return `${log}${this.value}`;
    }
    fail(): never {
      throw new TypeError("method failed");
    }
  }
  const RemoteCounter = remote(Counter);

  scenario("a function runs, and get gives what it returned", async (t) => {
    t.is(await get(add.remote(1, 2)), 3);
    t.deepEqual(await get([add.remote(1, 2), add.remote(3, 4)]), [3, 7]);
    t.deepEqual(await get([]), []);
    t.is(await add.remote(2, 2).get(), 4);
  });

  scenario("async functions run, undefined and null come back as they are", async (t) => {
    const later = remote(async (value: unknown) => {
      await null;
      return value;
    });
    t.deepEqual(await get([later.remote(undefined), later.remote(null), later.remote(5n)]), [undefined, null, 5n]);
  });

  scenario("references as arguments are resolved before the task starts, also before they are ready", async (t) => {
    const first = add.remote(1, 2);
    const second = add.remote(first, put(10));
    t.is(await get(add.remote(second, first)), 16);
  });

  scenario("references inside of arguments stay references", async (t) => {
    const nested = remote(async ({ refs }: { refs: ObjectRef<number>[] }) => {
      const values = await get(refs);
      return values.reduce((a, b) => a + b, 0);
    });
    t.is(await get(nested.remote({ refs: [add.remote(1, 2), put(4)] })), 7);
  });

  scenario("a reference can be returned", async (t) => {
    const outer = remote(() => add.remote(20, 22));
    const inner = await get(outer.remote());
    t.is(await get(inner), 42);
  });

  scenario("tasks submit tasks, deeper than there are threads", async (t, session) => {
    const fib = remote(async (n: number): Promise<number> => {
      if (n < 2) return n;
      const [a, b] = await get([fib.remote(n - 1), fib.remote(n - 2)]);
      return a + b;
    });
    t.is(await get(fib.remote(9)), 34);
    t.like(await session.load(), { tasks: 0, waiting: 0, requests: 0 });
  });

  scenario(
    "a task that awaits ref.get() or wait makes room for what it waits for",
    async (t) => {
      const parent = remote(async (n: number): Promise<number> => {
        const child = add.remote(n, 1);
        await wait([child]);
        return await add.remote(child, 1).get();
      });
      t.is(await get(parent.remote(1)), 3);
    },
    { cpus: 1 },
  );

  scenario("what a caller or a task does to an argument does not show", async (t) => {
    const spoil = remote((list: number[], array: Float64Array) => {
      list.push(99);
      array[0] = 99;
      return [list.length, array[0]];
    });
    const list = [1, 2];
    const array = new Float64Array([5]);
    const ref = spoil.remote(list, array);
    list.push(3, 4, 5);
    array[0] = 6;
    t.deepEqual(await get(ref), [3, 99]);
    t.deepEqual(list, [1, 2, 3, 4, 5]);
    t.is(array[0], 6);

    const stored = put({ list: [1] });
    (await get(stored)).list.push(2);
    t.deepEqual(await get(stored), { list: [1] });
  });

  scenario("values keep their types", async (t) => {
    const echo = remote((value: unknown) => value);
    const value = {
      map: new Map([["a", new Set([1, 2])]]),
      date: new Date(5),
      views: [new Float32Array([1.5]), new Uint8Array([1, 2]), new BigInt64Array([3n]), Buffer.from("hé")],
      nothing: undefined,
      text: "é".repeat(300),
      error: new RangeError("e"),
    };
    t.deepEqual(await get(echo.remote(value)), value);
    const big = new Float64Array(20_000).fill(2.5);
    const shared = (await get(echo.remote(big))) as Float64Array;
    t.deepEqual([...shared.subarray(0, 2)], [2.5, 2.5]);
    t.is(shared.length, 20_000);
    t.true(shared.buffer instanceof SharedArrayBuffer);
  });

  scenario("a task that throws: get says which, why and where", async (t) => {
    const error = await caught(async () => await get(fail.remote("wrong number")));
    t.is(error.code, "TASK_FAILED");
    t.regex(error.message, /^explode failed: TypeError: wrong number\. .+\.$/);
    t.regex(
      error.stack!,
      /async .*backend-suite[\s\S]*--- on the worker ---\nTypeError: wrong number\n\s+at .*explode/,
    );
    t.notRegex(error.stack!, /src\/tasks\//);
    t.is((error.cause as Error).name, "TypeError");
    t.is((error.cause as Error).message, "wrong number");
    // A failure is a value: it can be had again, and other results are not touched.
    await t.throwsAsync(get(fail.remote("again")), { message: /again/ });
    t.is(await get(add.remote(1, 1)), 2);
  });

  scenario("a failed argument fails the task that needs it, and rejected and thrown values are failures", async (t) => {
    await t.throwsAsync(get(add.remote(fail.remote("first"), 1)), { message: /^explode failed: TypeError: first/ });
    const reject = remote(async () => {
      await null;
      throw new Error("rejected");
    });
    await t.throwsAsync(get(reject.remote()), { message: /Error: rejected/ });
    const odd = remote(() => {
      throw "just text";
    });
    await t.throwsAsync(get(odd.remote()), { message: /just text/ });
  });

  scenario("get of many rejects with the first failure, while others still run", async (t) => {
    await t.throwsAsync(get([never.remote(), fail.remote("early")]), { message: /early/ });
  });

  scenario("what a function cannot return is a failure that names the place", async (t) => {
    const leak = remote(() => ({ result: [1, { callback: () => 1 }] }) as unknown);
    await t.throwsAsync(get(leak.remote()), { message: /The result of .*, at result\[1\]\.callback, is the function/ });
  });

  scenario("what cannot be an argument is refused at once, with its path", async (t) => {
    const take = remote((_: unknown) => 0);
    const refused = (value: unknown, message: RegExp) => {
      t.throws(() => take.remote(value), { instanceOf: RayflightError, code: "NOT_SERIALIZABLE", message });
    };
    refused(() => 1, /^Argument 1 of anonymous is a function\. Only plain data/);
    refused({ a: [0, { "b c": Promise.resolve() }] }, /at a\[1\]\["b c"\], is a promise/);
    refused([new Counter(1)], /at \[0\], is an instance of the class Counter/);
    refused(new Map([["key", Symbol("s")]]), /\(key\), is a symbol/);
    t.throws(() => put(() => 1), { code: "NOT_SERIALIZABLE", message: /^The value given to put\(\) is a function/ });
  });

  scenario("wait gives the first that are ready and keeps the order", async (t) => {
    const slow = never.remote();
    const [a, b] = [add.remote(1, 1), add.remote(2, 2)];
    const [ready, notReady] = await wait([slow, a, b], { numReturns: 2 });
    t.deepEqual([ready, notReady], [[a, b], [slow]]);
    t.deepEqual(await wait([a, slow, b], { numReturns: 1 }), [[a], [slow, b]]);
    t.deepEqual(await wait([slow, a], { numReturns: 2, timeoutMs: 0 }), [[a], [slow]]);
    const failed = fail.remote("x");
    t.deepEqual(await wait([slow, failed]), [[failed], [slow]]);
    await t.throwsAsync(wait([a], { numReturns: 2 }), { code: "INVALID_ARGUMENT" });
    await t.throwsAsync(wait([a, a]), { code: "INVALID_ARGUMENT" });
  });

  scenario("get gives up after its time and when its signal aborts", async (t) => {
    const slow = never.remote();
    await t.throwsAsync(get(slow, { timeoutMs: 1 }), { instanceOf: RayflightError, code: "GET_TIMEOUT" });
    await t.throwsAsync(get(slow, { timeoutMs: 0 }), { code: "GET_TIMEOUT" });
    const ready = add.remote(1, 1);
    await get(ready);
    t.is(await get(ready, { timeoutMs: 0 }), 2);
    const abort = new AbortController();
    const pending = get(slow, { signal: abort.signal });
    abort.abort();
    await t.throwsAsync(pending, { code: "CANCELLED" });
    await t.throwsAsync(get(slow, { signal: abort.signal }), { code: "CANCELLED" });
  });

  scenario("an actor keeps its state, and calls arrive in order", async (t, session) => {
    const counter = RemoteCounter.remote(put(5));
    t.deepEqual(await get([counter.postinc.remote(), counter.postinc.remote(), counter.postinc.remote()]), [5, 6, 7]);
    t.is(await get(counter.later.remote(get.name)), "get8");
    t.is((await session.load()).actors, 1);
  });

  scenario("a call that waits for an argument holds back the calls after it", async (t) => {
    class Log {
      readonly #lines: string[] = [];
      write(line: string): string[] {
        this.#lines.push(line);
        return this.#lines;
      }
    }
    const log = remote(Log).remote();
    const text = remote(async (value: string) => {
      await null;
      return value;
    });
    const first = log.write.remote(text.remote("first"));
    const second = log.write.remote("second");
    t.deepEqual(await get([first, second]), [["first"], ["first", "second"]]);
  });

  scenario("async methods overlap unless maxConcurrency says otherwise", async (t) => {
    class Gate {
      #open: () => void = () => {};
      readonly #opened = new Promise<void>((resolve) => {
        this.#open = resolve;
      });
      async pass(): Promise<string> {
        await this.#opened;
        return "passed";
      }
      open(): string {
        this.#open();
        return "opened";
      }
    }
    const gate = remote(Gate).remote();
    t.deepEqual(await get([gate.pass.remote(), gate.open.remote()]), ["passed", "opened"]);
    const narrow = remote(Gate, { maxConcurrency: 1 }).remote();
    const stuck = narrow.pass.remote();
    await t.throwsAsync(get([stuck, narrow.open.remote()], { timeoutMs: 20 }), { code: "GET_TIMEOUT" });
  });

  scenario("actor handles travel, and tasks and actors make actors", async (t) => {
    const counter = RemoteCounter.remote(0);
    const use = remote(async (handle: typeof counter) => await get(handle.postinc.remote()));
    t.is(await get(use.remote(counter)), 0);
    t.is(await get(use.remote(counter)), 1);
    const make = remote(async () => {
      const made = RemoteCounter.remote(40);
      await get(made.postinc.remote());
      return { made };
    });
    const { made } = await get(make.remote());
    t.is(await get(made.postinc.remote()), 41);
  });

  scenario("a method that throws fails its call, and the actor lives", async (t) => {
    const counter = RemoteCounter.remote(0);
    await t.throwsAsync(get(counter.fail.remote()), {
      code: "TASK_FAILED",
      message: /^Counter\.fail failed: TypeError: method failed\./,
    });
    t.is(await get(counter.postinc.remote()), 0);
  });

  scenario("a constructor that throws: every call says so", async (t, session) => {
    const counter = RemoteCounter.remote(-1);
    const error = await t.throwsAsync(get(counter.postinc.remote()), { code: "ACTOR_DIED" });
    t.regex(error!.message, /start is negative/);
    t.regex(error!.stack!, /new Counter/);
    await t.throwsAsync(get(counter.postinc.remote()), { code: "ACTOR_DIED", message: /start is negative/ });
    t.is((await session.load()).actors, 0);
  });

  scenario("kill ends an actor and fails its calls", async (t, session) => {
    const counter = RemoteCounter.remote(1);
    await get(counter.postinc.remote());
    kill(counter);
    kill(counter);
    await t.throwsAsync(get(counter.postinc.remote()), { code: "ACTOR_DIED", message: /was killed/ });
    {
      using scoped = RemoteCounter.remote(1);
      t.is(await get(scoped.postinc.remote()), 1);
    }
    t.like(await session.load(), { actors: 0, free: { cpus: 20_000, gpus: 0 } });
    const rows = await session.state("actors");
    t.deepEqual(
      rows.map(({ className, state }) => [className, state]),
      [
        ["Counter", "dead"],
        ["Counter", "dead"],
      ],
    );
  });

  scenario("what the node can never give is refused at once", async (t) => {
    t.throws(() => add.options({ numCpus: 3 }).remote(1, 2), {
      code: "FAILED_PRECONDITION",
      message: /asks for 3 CPUs and 0 GPUs, but this node has 2 CPUs and 0 GPUs\. Ask for less/,
    });
    t.throws(() => RemoteCounter.options({ numGpus: 1 }).remote(1), { code: "FAILED_PRECONDITION" });
    for (const numCpus of [-1, Number.NaN, 0.00001]) {
      t.throws(() => add.options({ numCpus }), { code: "INVALID_ARGUMENT" });
    }
    t.throws(() => add.options({ numGpus: 1.5 }), { code: "INVALID_ARGUMENT" });
    t.throws(() => add.options({ maxRetries: -2 }), { code: "INVALID_ARGUMENT" });
  });

  scenario(
    "without workers, submitting fails at once",
    async (t) => {
      t.throws(() => add.remote(1, 2), { code: "FAILED_PRECONDITION", message: /no workers.*numCpus/ });
      t.throws(() => RemoteCounter.remote(1), { code: "FAILED_PRECONDITION", message: /no workers/ });
      t.throws(() => add.options({ numCpus: 0 }).remote(1, 2), { message: /no workers/ });
    },
    { cpus: 0 },
  );

  scenario(
    "GPUs are given by number and waited for",
    async (t, session) => {
      class Holder {
        ids(): readonly number[] {
          return getGpuIds();
        }
      }
      const holder = remote(Holder, { numGpus: 2 }).remote();
      const held = await get(holder.ids.remote());
      t.is(held.length, 2);
      const three = remote(() => [...getGpuIds()], { numGpus: 3 });
      const waiting = three.remote();
      t.is((await get(three.options({ numGpus: 1 }).remote())).length, 1);
      t.deepEqual(await wait([waiting], { timeoutMs: 20 }), [[], [waiting]]);
      kill(holder);
      t.deepEqual((await get(waiting)).sort(), [0, 1, 2]);
      t.deepEqual(await get(three.options({ numGpus: 0.5 }).remote()), [0]);
      t.deepEqual((await session.load()).free, { cpus: 20_000, gpus: 30_000 });
      t.deepEqual(getGpuIds(), []);
    },
    { gpus: 3 },
  );

  scenario("objects go when their scope ends, when they are released and when they are freed", async (t, session) => {
    {
      using scope = createScope();
      const [one] = scope.add([put(1), put({ nested: 2 })] as const);
      const sum = scope.add(add.remote(one, 2));
      t.is(await get(sum), 3);
      t.is((await session.load()).objects, 3);
    }
    t.is((await session.load()).objects, 0);

    const inner = put([1, 2]);
    const outer = put({ inner });
    inner[Symbol.dispose]();
    await t.throwsAsync(get(inner), { code: "OBJECT_FREED" });
    // The outer object still needs the inner one.
    const again = (await get(outer)).inner;
    t.deepEqual(await get(again), [1, 2]);
    again[Symbol.dispose]();
    outer[Symbol.dispose]();
    t.is((await session.load()).objects, 0);

    const dropped = put(new Float64Array(100_000));
    free(dropped);
    await t.throwsAsync(get(dropped), { code: "OBJECT_FREED", message: /Keep a reference/ });
    const late = add.remote(dropped as unknown as ObjectRef<number>, 1);
    await t.throwsAsync(get(late), { code: "OBJECT_FREED" });
    t.is((await session.load()).memory, 0);
  });

  scenario("a task's arguments outlive the caller's hold on them", async (t, session) => {
    const length = remote(async (array: Float64Array) => {
      await null;
      return array.length;
    });
    const array = put(new Float64Array(50_000));
    const result = length.remote(array);
    array[Symbol.dispose]();
    t.is(await get(result), 50_000);
    result[Symbol.dispose]();
    t.like(await session.load(), { objects: 0, memory: 0 });
  });

  scenario("a result that others wait for is let go of before it is there", async (t, session) => {
    const gate = put(new Int32Array(new SharedArrayBuffer(1 << 17)));
    const open = remote(async (shared: Int32Array) => {
      while (Atomics.load(shared, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      return 1;
    });
    const pending = open.remote(gate);
    // By the node, which is therefore told of it while it is pending.
    const sum = add.options({ numCpus: 0.5 }).remote(pending, 1);
    pending[Symbol.dispose]();
    t.is((await session.load()).waiting, 1);
    Atomics.store(await get(gate), 0, 1);
    t.is(await get(sum), 2);
    sum[Symbol.dispose]();
    gate[Symbol.dispose]();
    t.is((await session.load()).objects, 0);
  });

  scenario("a result that nobody holds is dropped", async (t, session) => {
    const make = remote(() => new Float64Array(50_000));
    using kept = make.remote();
    const dropped = make.remote();
    using after = remote((array: Float64Array) => array.length).remote(dropped);
    dropped[Symbol.dispose]();
    t.is(await get(after), 50_000);
    const { buffer } = await get(kept);
    const { memory, objects } = await session.load();
    t.is(objects, 2);
    t.true(memory === 0 || memory === buffer.byteLength);
  });

  scenario("cancel withdraws a task that did not start", async (t) => {
    const blocker = never.options({ numCpus: 2 }).remote();
    const queued = add.remote(1, 2);
    const dependent = add.remote(blocker, 1);
    cancel(queued);
    cancel(dependent);
    await t.throwsAsync(get(queued), { code: "TASK_CANCELLED", message: /withdrawn/ });
    await t.throwsAsync(get(dependent), { code: "TASK_CANCELLED" });
  });

  scenario("closing rejects what is pending, and what comes later", async (t, session) => {
    const pending = t.throwsAsync(get(never.remote()), { code: "UNAVAILABLE" });
    await session.load();
    await session.close();
    await pending;
    t.throws(() => add.remote(1, 2), { code: "UNAVAILABLE" });
    t.throws(() => put(1), { code: "UNAVAILABLE" });
  });

  scenario("a thousand tasks with dependencies all run, once", async (t, session) => {
    const layers = 10;
    const width = 100;
    let refs: ObjectRef<number>[] = Array.from({ length: width }, (_, i) => put(i));
    for (let layer = 0; layer < layers; layer++) {
      refs = refs.map((ref, i) => add.remote(ref, refs[(i + 1) % width]!));
    }
    const values = await get(refs);
    t.is(
      values.reduce((a, b) => a + b, 0),
      ((width * (width - 1)) / 2) * 2 ** layers,
    );
    const rows = await session.state("tasks");
    t.is(rows.length, layers * width);
    t.true(rows.every(({ state, attempt, kind }) => state === "finished" && attempt === 1 && kind === "task"));
    t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
  });

  scenario(
    "retryExceptions tries again what throws, as often as maxRetries says",
    async (t, session) => {
      // One CPU, so one thread: it can count.
      const flaky = remote(
        function flaky(key: string, failures: number) {
          const counts = globalThis as unknown as Record<string, number>;
          counts[key] = (counts[key] ?? 0) + 1;
          if (counts[key] <= failures) throw new RangeError(`try ${counts[key]}`);
          return counts[key];
        },
        { retryExceptions: true, maxRetries: 2 },
      );
      const key = `flaky ${Math.random()}`;
      t.is(await get(flaky.remote(`${key} a`, 2)), 3);
      await t.throwsAsync(get(flaky.remote(`${key} b`, 3)), { code: "TASK_FAILED", message: /try 3/ });
      t.is(await get(flaky.options({ maxRetries: -1 }).remote(`${key} c`, 20)), 21);
      await t.throwsAsync(get(flaky.options({ retryExceptions: false }).remote(`${key} d`, 1)), { message: /try 1/ });
      // What asks for no CPU goes through the scheduler, what a task submits may stay on its thread.
      t.is(await get(flaky.options({ numCpus: 0 }).remote(`${key} e`, 2)), 3);
      await t.throwsAsync(get(flaky.options({ numCpus: 0 }).remote(`${key} f`, 3)), { message: /try 3/ });
      const inside = remote(async (name: string) => await get([1, 2, 3].map((i) => flaky.remote(`${name}${i}`, 2))));
      t.deepEqual(await get(inside.remote(`${key} g`)), [3, 3, 3]);
      const numberOf = (id: string) => Number(id.split("-")[1]);
      const rows = (await session.state("tasks"))
        .filter(({ name, parent }) => name === "flaky" && parent === null)
        .sort((a, b) => numberOf(a.id) - numberOf(b.id));
      t.deepEqual(
        rows.slice(0, 4).map(({ state, attempt }) => [state, attempt]),
        [
          ["finished", 3],
          ["failed", 3],
          ["finished", 21],
          ["failed", 1],
        ],
      );
      t.like(await session.load(), { tasks: 0, free: { cpus: 10_000 } });
    },
    { cpus: 1 },
  );

  scenario("asCompleted gives references as they are ready, failures, too", async (t) => {
    const slow = never.remote();
    const [one, two] = [add.remote(1, 0), fail.remote("x")];
    const seen: ObjectRef<number>[] = [];
    for await (const ref of asCompleted([slow, one, two])) {
      seen.push(ref);
      if (seen.length === 2) break;
    }
    t.deepEqual(new Set(seen), new Set([one, two]));
    for await (const _ of asCompleted([])) t.fail();
    const abort = new AbortController();
    const pending = asCompleted([slow], { signal: abort.signal }).next();
    abort.abort();
    await t.throwsAsync(pending, { code: "CANCELLED" });
  });

  scenario("a pool gives each of its actors one call at a time", async (t) => {
    class Squarer {
      #running = 0;
      async square(value: number): Promise<number> {
        if (this.#running++ > 0) throw new Error("Two at once.");
        for (let i = 0; i < value % 3; i++) await null;
        this.#running--;
        return value * value;
      }
    }
    const RemoteSquarer = remote(Squarer);
    const pool = new ActorPool([RemoteSquarer.remote(), RemoteSquarer.remote()]);
    const values = Array.from({ length: 9 }, (_, i) => i);
    const squares = values.map((value) => value * value);
    const ordered: number[] = [];
    for await (const square of pool.map((actor, value) => actor.square.remote(value), values)) ordered.push(square);
    t.deepEqual(ordered, squares);
    const unordered: number[] = [];
    for await (const square of pool.mapUnordered((actor, value: number) => actor.square.remote(value), values)) {
      unordered.push(square);
    }
    t.deepEqual(
      unordered.sort((a, b) => a - b),
      squares,
    );
    t.truthy(pool.popIdle());
    t.truthy(pool.popIdle());
    t.is(pool.popIdle(), undefined);
  });

  scenario("a pool loses no actor to what throws, is shared by two maps, and says when it is empty", async (t) => {
    class Doubler {
      double(value: number): number {
        return value * 2;
      }
    }
    const one = remote(Doubler).remote();
    const pool = new ActorPool([one]);
    const double = (actor: typeof one, value: number) => actor.double.remote(value);
    const collect = async <T>(results: AsyncIterable<T>) => {
      const seen: T[] = [];
      for await (const result of results) seen.push(result);
      return seen;
    };
    const refuse = (): never => {
      throw new RangeError("not this one");
    };
    const failing = function* () {
      yield 1;
      throw new RangeError("no more");
    };
    await t.throwsAsync(collect(pool.map(refuse, [1])), { message: "not this one" });
    await t.throwsAsync(collect(pool.mapUnordered(double, failing())), { message: "no more" });
    t.deepEqual(await Promise.all([collect(pool.map(double, [1, 2, 3])), collect(pool.mapUnordered(double, [4, 5]))]), [
      [2, 4, 6],
      [8, 10],
    ]);
    t.is(pool.popIdle(), one);
    t.is(pool.popIdle(), undefined);
    await t.throwsAsync(collect(pool.map(double, [1])), { code: "FAILED_PRECONDITION", message: /no actor/ });
    pool.push(one);
    t.deepEqual(await collect(pool.map(double, [6])), [12]);
  });

  scenario("a get of a queue that is cancelled takes no item, and a put adds none", async (t) => {
    const queue = createQueue<number>({ maxSize: 1 });
    const first = queue.get.remote();
    const second = queue.get.remote();
    // Both wait: the queue has answered a later call.
    t.is(await get(queue.size.remote()), 0);
    cancel(first);
    await t.throwsAsync(get(first), { code: "TASK_CANCELLED" });
    await get(queue.put.remote(1));
    t.is(await get(second), 1);
    await get(queue.put.remote(2));
    const third = queue.put.remote(3);
    const fourth = queue.put.remote(4);
    t.is(await get(queue.size.remote()), 1);
    cancel(third);
    await t.throwsAsync(get(third), { code: "TASK_CANCELLED" });
    t.deepEqual([await get(queue.get.remote()), await get(queue.get.remote())], [2, 4]);
    await get(fourth);
    t.is(await get(queue.size.remote()), 0);
  });

  scenario("a queue of size 0 has no limit, as in Ray, and one of no size is refused", async (t) => {
    const queue = createQueue<number>({ maxSize: 0 });
    await get([queue.put.remote(1), queue.put.remote(2)]);
    t.is(await get(queue.size.remote()), 2);
    for (const maxSize of [-1, 0.5, Number.NaN]) t.throws(() => createQueue({ maxSize }), { code: "INVALID_ARGUMENT" });
  });

  scenario("a queue is an actor whose handle travels; put waits while it is full, get while it is empty", async (t) => {
    const queue = createQueue<number>({ maxSize: 2 });
    const produce = remote(async (to: typeof queue, count: number) => {
      for (let i = 0; i < count; i++) await get(to.put.remote(i));
    });
    const done = produce.remote(queue, 5);
    const taken: number[] = [];
    for (let i = 0; i < 5; i++) taken.push(await get(queue.get.remote()));
    t.deepEqual(taken, [0, 1, 2, 3, 4]);
    await get(done);
    t.true(await get(queue.tryPut.remote(7)));
    t.true(await get(queue.tryPut.remote(8)));
    t.false(await get(queue.tryPut.remote(9)));
    t.deepEqual(await get(queue.getBatch.remote(10)), [7, 8]);
    t.is(await get(queue.size.remote()), 0);
  });

  scenario("misuse of the verbs is explained", async (t) => {
    await t.throwsAsync(get(5 as unknown as ObjectRef), { code: "INVALID_ARGUMENT", message: /got a number/ });
    t.throws(() => put(put(1)), { code: "INVALID_ARGUMENT" });
    t.throws(() => free([5] as unknown as ObjectRef[]), { code: "INVALID_ARGUMENT", message: /free\(\) got a number/ });
    for (const none of [{}, null, undefined, 5]) {
      t.throws(() => kill(none as never), { code: "INVALID_ARGUMENT", message: /in place of an actor's handle/ });
    }
    t.throws(() => remote(5 as unknown as () => void), { code: "INVALID_ARGUMENT" });
  });
}

async function caught(body: () => Promise<unknown>): Promise<RayflightError> {
  try {
    await body();
  } catch (error) {
    if (error instanceof RayflightError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}
