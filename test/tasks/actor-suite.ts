import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { exitActor, get, getActor, kill, listNamedActors, type ObjectRef, remote } from "../../src/tasks/index.js";
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
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
