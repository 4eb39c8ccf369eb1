import { collectGarbage } from "../../src/store/garbage.js";
import { exitActor, get, getActor, kill, listNamedActors, type ObjectRef, put, remote } from "../../src/tasks/index.js";
import type { Scenario } from "./scenario.js";

/** What a backend promises about actors' names, ends and new beginnings. */
export function testActors(scenario: Scenario): void {
  class Counter {
    value: number;
    constructor(start: number) {
      this.value = start;
    }
    postinc(): number {
      return this.value++;
    }
    async hang(): Promise<never> {
      return await new Promise<never>(() => {});
    }
    leave(): never {
      exitActor();
    }
    async leaveLater(): Promise<never> {
      await null;
      exitActor();
    }
  }
  const RemoteCounter = remote(Counter);

  for (const hosted of ["alone", "shared"] as const) {
    const Hosted = RemoteCounter.options({ hosted });

    scenario(
      `${hosted}: kill without noRestart makes an actor anew, as often as maxRestarts says`,
      async (t, session) => {
        const counter = Hosted.options({ maxRestarts: 1 }).remote(7);
        t.deepEqual(await get([counter.postinc.remote(), counter.postinc.remote()]), [7, 8]);
        const hanging = counter.hang.remote();
        t.is(await get(counter.postinc.remote()), 9);
        kill(counter, { noRestart: false });
        const next = [counter.postinc.remote(), counter.postinc.remote()];
        await t.throwsAsync(get(hanging), {
          code: "ACTOR_UNAVAILABLE",
          message: /Counter\.hang had begun.*it was killed/,
        });
        t.deepEqual(await get(next), [7, 8]);
        t.like((await session.state("actors"))[0], { state: "alive", restarts: 1 });
        kill(counter, { noRestart: false });
        await t.throwsAsync(get(counter.postinc.remote()), { code: "ACTOR_DIED", message: /was killed/ });
        t.like(await session.load(), { actors: 0, free: { cpus: 20_000, gpus: 0 } });
      },
    );

    scenario(`${hosted}: a call with many arguments that are not there yet waits for each of them once`, async (t) => {
      class Adder {
        sum(...values: number[]): number {
          return values.reduce((sum, value) => sum + value, 0);
        }
      }
      using adder = remote(Adder, { hosted }).remote();
      const identity = remote((value: number) => value);
      const values = Array.from({ length: 200 }, (_, i) => i);
      t.is(await get(adder.sum.remote(...values.map((value) => identity.remote(value)))), 19_900);
    });

    scenario(
      `${hosted}: exitActor ends an actor by intent: its calls fail, and it is not made anew`,
      async (t, session) => {
        for (const leave of ["leave", "leaveLater"] as const) {
          const counter = Hosted.options({ maxRestarts: -1, maxTaskRetries: -1 }).remote(0);
          t.is(await get(counter.postinc.remote()), 0);
          const hanging = counter.hang.remote();
          const leaving = counter[leave].remote();
          // A call that awaits lets the next one begin.
          const calls = leave === "leave" ? [leaving, hanging, counter.postinc.remote()] : [leaving, hanging];
          for (const call of calls as ObjectRef<unknown>[]) {
            await t.throwsAsync(get(call), { code: "ACTOR_DIED", message: /Counter ended itself by exitActor\(\)/ });
          }
          await t.throwsAsync(get(counter.postinc.remote()), { code: "ACTOR_DIED" });
        }
        t.throws(() => exitActor(), { code: "FAILED_PRECONDITION", message: /outside of an actor/ });
        t.like(await session.load(), { actors: 0 });
      },
    );
  }

  scenario("an actor is found by its name, from everywhere, until it is dead", async (t, session) => {
    const counter = RemoteCounter.options({ name: "counter" }).remote(5);
    t.is(await get(getActor<Counter>("counter").postinc.remote()), 5);
    const use = remote(async () => await get(getActor<Counter>("counter").postinc.remote()));
    t.is(await get(use.remote()), 6);
    t.deepEqual(listNamedActors(), [{ name: "counter", namespace: "default" }]);
    t.like((await session.state("actors"))[0], { name: "counter", className: "Counter", state: "alive" });

    t.throws(() => RemoteCounter.options({ name: "counter" }).remote(0), {
      code: "ALREADY_EXISTS",
      message: /^Another actor has the name "counter"\. .*getIfExists/,
    });
    const same = RemoteCounter.options({ name: "counter", getIfExists: true }).remote(0);
    t.is(await get(same.postinc.remote()), 7);
    const other = RemoteCounter.options({ name: "counter", namespace: "elsewhere" }).remote(50);
    t.is(await get(getActor<Counter>("counter", "elsewhere").postinc.remote()), 50);
    t.is(listNamedActors().length, 1);
    t.is(listNamedActors({ allNamespaces: true }).length, 2);
    kill(other);

    kill(counter);
    await t.throwsAsync(get(same.postinc.remote()), { code: "ACTOR_DIED" });
    t.throws(() => getActor("counter"), { code: "NOT_FOUND", message: /no actor with the name "counter"/ });
    const again = RemoteCounter.options({ name: "counter", getIfExists: true }).remote(1);
    t.is(await get(again.postinc.remote()), 1);
    t.throws(() => RemoteCounter.options({ getIfExists: true }), { code: "INVALID_ARGUMENT" });
    t.throws(() => RemoteCounter.options({ name: "" }), { code: "INVALID_ARGUMENT" });
    t.throws(() => RemoteCounter.options({ lifetime: "short" as "detached" }), { code: "INVALID_ARGUMENT" });
    t.throws(() => RemoteCounter.options({ maxRestarts: -2 }), { code: "INVALID_ARGUMENT" });
  });

  scenario("more names than one answer has room for are listed, too", async (t) => {
    const names = Array.from({ length: 40 }, (_, i) => `${"long ".repeat(100)}${i}`);
    const made = names.map((name) => RemoteCounter.options({ name, hosted: "shared" }).remote(0));
    t.deepEqual(
      listNamedActors().map(({ name }) => name),
      names,
    );
    for (const actor of made) kill(actor);
  });

  scenario(
    "an actor ends when its last handle is collected and its calls have ended; a detached one does not",
    async (t, session) => {
      const make = () => {
        const held = RemoteCounter.options({ hosted: "shared" }).remote(0);
        const detached = RemoteCounter.options({ name: "detached", lifetime: "detached", hosted: "shared" }).remote(10);
        // Its handle goes at once, but its call is to end before.
        const fleeting = RemoteCounter.options({ name: "fleeting", hosted: "shared" }).remote(20).postinc.remote();
        return { held, refs: [held.postinc.remote(), detached.postinc.remote(), fleeting] };
      };
      const { held, refs } = make();
      t.deepEqual(await get(refs), [0, 10, 20]);
      const box = { holder: remote(Holder).remote() };
      const lent = (() => {
        const counter = RemoteCounter.options({ name: "lent", hosted: "shared" }).remote(30);
        return box.holder.keep.remote({ counter });
      })();
      await get(lent);
      const names = async (expected: string[]) => {
        for (;;) {
          await collect();
          const now = listNamedActors().map(({ name }) => name);
          if (now.length <= expected.length) {
            t.deepEqual(now, expected);
            return;
          }
        }
      };
      await names(["detached", "lent"]);
      t.is(await get(box.holder.use.remote()), 30);
      t.is(await get(held.postinc.remote()), 1);
      kill(box.holder);
      await names(["detached"]);
      const rows = await session.state("actors");
      const fleeting = rows.find(({ name }) => name === "fleeting");
      t.like(fleeting, { state: "dead" });
      t.regex(fleeting!.error!, /nobody had a handle/);
      t.is(await get(getActor<Counter>("detached").postinc.remote()), 11);
    },
  );

  scenario("the actor that was called last ends with its handle, too", async (t, session) => {
    await (async () => t.is(await get(RemoteCounter.remote(5).postinc.remote()), 5))();
    while ((await session.state("actors"))[0]!.state === "alive") await collect();
    t.like(await session.load(), { actors: 0 });
  });

  scenario(
    "handles travel in arguments, results, stored and captured values, also of an actor that is made anew",
    async (t) => {
      const counter = RemoteCounter.options({ maxRestarts: 1 }).remote(0);
      t.is(await get(counter.postinc.remote()), 0);
      const use = remote(async ({ handle }: { handle: typeof counter }) => await get(handle.postinc.remote()));
      const captured = remote(async () => await get(counter.postinc.remote()));
      const echo = remote((handle: typeof counter) => ({ handle }));
      const stored = put({ handle: counter });
      const { handle: returned } = await get(echo.remote(counter));
      t.is(await get(use.remote({ handle: counter })), 1);
      t.is(await get(use.remote(stored)), 2);
      t.is(await get(captured.remote()), 3);
      t.is(await get(returned.postinc.remote()), 4);
      kill(returned, { noRestart: false });
      t.is(await get(returned.postinc.remote()), 0);
      t.is(await get(use.remote(stored)), 1);
      t.is(await get(captured.remote()), 2);
      t.is(await get(counter.postinc.remote()), 3);
      kill(counter);
      // Then all threads that called it were told, too.
      await t.throwsAsync(get(returned.postinc.remote()), { code: "ACTOR_DIED", message: /Counter was killed/ });
      for (const call of [use.remote(stored), captured.remote()]) {
        await t.throwsAsync(get(call), { code: "TASK_FAILED", message: /The actor Counter was killed/ });
      }
    },
  );

  class Gates {
    readonly #open = new Map<string, () => void>();
    readonly #began: string[] = [];
    async fetch(key: string): Promise<string> {
      this.#began.push(key);
      await new Promise<void>((resolve) => this.#open.set(key, resolve));
      return key;
    }
    async compute(key: string): Promise<string> {
      return await this.fetch(key);
    }
    async open(key: string): Promise<void> {
      this.#open.get(key)!();
    }
    async began(): Promise<string[]> {
      return this.#began;
    }
    fail(): never {
      throw new Error("it fails");
    }
  }
  const grouped = {
    concurrencyGroups: { io: 2, cpu: 1 },
    methods: { fetch: { concurrencyGroup: "io" }, compute: { concurrencyGroup: "cpu" } },
    maxConcurrency: 3,
  } as const;

  for (const hosted of ["alone", "shared"] as const) {
    scenario(`${hosted}: a concurrency group that is full holds up no other`, async (t) => {
      const gates = remote(Gates, { ...grouped, hosted }).remote();
      const fetches = ["a", "b", "c", "d"].map((key) => gates.fetch.remote(key));
      const computes = ["x", "y"].map((key) => gates.compute.remote(key));
      const usual = gates.fetch.options({ concurrencyGroup: "cpu" }).remote("z");
      t.deepEqual(await get(gates.began.remote()), ["a", "b", "x"]);
      await get(gates.open.remote("b"));
      t.is(await get(fetches[1]!), "b");
      t.deepEqual(await get(gates.began.remote()), ["a", "b", "x", "c"]);
      await get([gates.open.remote("x"), gates.open.remote("c"), gates.open.remote("a")]);
      t.deepEqual(await get([computes[0]!, fetches[0]!, fetches[2]!]), ["x", "a", "c"]);
      t.deepEqual((await get(gates.began.remote())).slice(4).sort(), ["d", "y"]);
      await get([gates.open.remote("d"), gates.open.remote("y")]);
      t.is(await get(fetches[3]!), "d");
      t.is(await get(computes[1]!), "y");
      await get(gates.open.remote("z"));
      t.is(await get(usual), "z");
    });

    scenario(`${hosted}: groups keep their calls when the actor is made anew`, async (t) => {
      const gates = remote(Gates, { ...grouped, hosted, maxRestarts: -1, maxTaskRetries: 1 }).remote();
      const calls = ["a", "b", "c"].map((key) => gates.fetch.remote(key));
      const lost = gates.compute.options({ maxTaskRetries: 0 }).remote("x");
      const kept = gates.compute.remote("y");
      t.deepEqual(await get(gates.began.remote()), ["a", "b", "x"]);
      kill(gates, { noRestart: false });
      await t.throwsAsync(get(lost), { code: "ACTOR_UNAVAILABLE" });
      t.deepEqual((await get(gates.began.remote())).sort(), ["a", "b", "y"]);
      await get(["a", "b", "y"].map((key) => gates.open.remote(key)));
      t.deepEqual(await get([calls[0]!, calls[1]!, kept]), ["a", "b", "y"]);
      await get(gates.open.remote("c"));
      t.is(await get(calls[2]!), "c");
    });
  }

  class Door {
    #open: () => void = () => {};
    readonly #opened = new Promise<void>((resolve) => {
      this.#open = resolve;
    });
    async pass(baggage: string): Promise<number> {
      await this.#opened;
      return baggage.length;
    }
    open(): void {
      this.#open();
    }
  }
  for (const hosted of ["alone", "shared"] as const) {
    scenario(`${hosted}: a call arrives though those that wait for it fill the ring`, async (t) => {
      const door = remote(Door, { hosted }).remote();
      const passing = Array.from({ length: 9 }, () => door.pass.remote("x".repeat(30_000)));
      door.open.remote();
      t.deepEqual(await get(passing, { timeoutMs: 10_000 }), new Array(9).fill(30_000));
    });
  }

  scenario("one call more than maxPendingCalls is refused, until one has ended", async (t) => {
    const gates = remote(Gates, { maxPendingCalls: 2 }).remote();
    const calls = [gates.fetch.remote("a"), gates.fetch.remote("b")];
    t.throws(() => gates.fetch.remote("c"), {
      code: "PENDING_CALLS_LIMIT",
      message: /^Gates\.fetch was not called: 2 calls of its actor are pending\. Get the results/,
    });
    kill(gates);
    await t.throwsAsync(get(calls[0]!), { code: "ACTOR_DIED" });
    await t.throwsAsync(get(calls[1]!), { code: "ACTOR_DIED" });
    const counter = RemoteCounter.options({ maxPendingCalls: 2 }).remote(0);
    for (let i = 0; i < 10; i++) {
      const pair = [counter.postinc.remote(), counter.postinc.remote()];
      t.throws(() => counter.postinc.remote(), { code: "PENDING_CALLS_LIMIT" });
      t.deepEqual(await get(pair), [2 * i, 2 * i + 1]);
    }
    const large = remote(Large, { maxPendingCalls: 1 }).remote();
    for (let i = 0; i < 5; i++) {
      const sent = await get(large.echo.remote(new Float64Array(20_000).fill(i)));
      t.is(sent[0], i);
      // The node says that a call has ended that went through it.
      for (;;) {
        try {
          t.is(await get(large.length.remote(sent)), 20_000);
          break;
        } catch (error) {
          t.is((error as { code?: string }).code, "PENDING_CALLS_LIMIT");
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
  });

  scenario("the arguments of an actor that is not made are let go of", async (t, session) => {
    class Keeper {
      readonly length: number;
      constructor(values: Float64Array) {
        this.length = values.length;
      }
      size(): number {
        return this.length;
      }
    }
    const Named = remote(Keeper, { name: "keeper" });
    using _keeper = Named.remote(new Float64Array(1));
    t.throws(() => Named.remote(new Float64Array(100_000)), { code: "ALREADY_EXISTS" });
    t.is((await session.load()).objects, 0);
    const same = Named.options({ getIfExists: true }).remote(new Float64Array(100_000));
    using size = same.size.remote();
    t.is(await get(size), 1);
    t.is((await session.load()).objects, 1);
  });

  scenario("a method has options of its own", async (t, session) => {
    const gates = remote(Gates, grouped).remote();
    const named = gates.fail.options({ name: "the failing one" });
    await t.throwsAsync(get(named.remote()), { message: /^the failing one failed: Error: it fails/ });
    // What a thread says to the node may arrive after what it says to its callers.
    for (let row: { state: string } | undefined; row?.state !== "failed"; ) {
      row = (await session.state("tasks")).find(({ name }) => name === "the failing one");
    }
    t.throws(() => gates.fetch.options({ concurrencyGroup: "gpu" }), {
      code: "INVALID_ARGUMENT",
      message: /^Gates\.fetch is to be in the concurrency group "gpu", which its actor has not\. .*io, cpu/,
    });
    for (const options of [
      { methods: { fetch: { concurrencyGroup: "io" } } },
      { concurrencyGroups: { io: 0 } },
      { maxPendingCalls: 1.5 },
      { methods: { fetch: { maxTaskRetries: -2 } } },
      { methods: { fetch: { generatorBackpressure: 2 } } },
      { methods: { fetch: { numReturns: 2 } } },
      { methods: { fecth: {} } },
      { methods: { toString: {} } },
    ]) {
      t.throws(() => remote(Gates, options), { code: "INVALID_ARGUMENT" });
      t.throws(() => remote(Gates).options(options), {
        code: "INVALID_ARGUMENT",
      });
    }
  });

  class Large {
    echo(values: Float64Array): Float64Array {
      return values;
    }
    length(values: Float64Array): number {
      return values.length;
    }
  }

  class Holder {
    #counter: ReturnType<typeof RemoteCounter.remote> | undefined;
    keep({ counter }: { counter: ReturnType<typeof RemoteCounter.remote> }): void {
      this.#counter = counter;
    }
    async use(): Promise<number> {
      return await get(this.#counter!.postinc.remote());
    }
  }
}

/** Lets what nobody holds be collected, here and on other threads, and what follows from it happen. */
async function collect(): Promise<void> {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
