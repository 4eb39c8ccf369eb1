import { cancel, get, getRuntimeContext, kill, put, remote } from "../../src/tasks/index.js";
import type { Scenario } from "./scenario.js";
import { rest, until } from "./session.js";

/** What a backend promises about cancelling. */
export function testCancel(scenario: Scenario): void {
  const never = remote(() => new Promise<number>(() => {}));
  const add = remote((a: number, b: number) => a + b);
  const board = async () => {
    const ref = put(new Int32Array(new SharedArrayBuffer(1 << 17)));
    return { ref, view: await get(ref) };
  };
  const cancelled = { code: "TASK_CANCELLED" } as const;

  for (const [which, options] of [
    ["an ordinary task", {}],
    ["a task with another demand", { numCpus: 0.5 }],
  ] as const) {
    scenario(`cancel of ${which} that awaits: get rejects at once, and it is not tried again`, async (t, session) => {
      const { ref: log, view } = await board();
      const begin = remote(
        async (shared: Int32Array) => {
          Atomics.add(shared, 0, 1);
          await new Promise(() => {});
        },
        { ...options, retryExceptions: true },
      );
      const running = begin.remote(log);
      await until(view, 0, 1);
      cancel(running);
      await t.throwsAsync(get(running), { ...cancelled, message: /was cancelled while it ran\. Submit/ });
      cancel(running);
      t.is(await get(add.remote(1, 1)), 2);
      t.is(view[0], 1);
      t.like(await session.load(), { tasks: 0, free: { cpus: 20_000 } });
      const rows = await session.state("tasks");
      t.is(rows.filter(({ error }) => error?.startsWith("TASK_CANCELLED")).length, 1);
    });
  }

  scenario("cancel takes the children along, unless it is told not to", async (t, session) => {
    const { ref: log, view } = await board();
    const child = remote(
      async (shared: Int32Array) => {
        Atomics.add(shared, 0, 1);
        await new Promise(() => {});
        return 1;
      },
      { retryExceptions: true },
    );
    const parent = remote(async (shared: Int32Array, refs: [typeof log]) => {
      const made = child.options({ numCpus: 0 }).remote(refs[0]);
      try {
        return await get([made, child.remote(refs[0])]);
      } finally {
        Atomics.add(shared, 1, 1);
      }
    });
    const first = parent.remote(log, [log]);
    await until(view, 0, 2);
    cancel(first);
    await t.throwsAsync(get(first), cancelled);
    // The parent's own code goes on where its get rejects.
    await until(view, 1, 1);
    await rest(session);
    t.like(await session.load(), { waiting: 0, free: { cpus: 20_000 } });
    // None of them was tried again.
    t.is(view[0], 2);
  });

  scenario(
    "the row of a call that was cancelled before it began says who submitted it, and when",
    async (t, session) => {
      class Waiter {
        wait(_: unknown): void {}
      }
      const outer = remote(async () => {
        const pending = never.remote();
        const ordinary = add.options({ name: "ordinary" }).remote(pending, 1);
        const ofActor = remote(Waiter).remote().wait.remote(pending);
        const before = Date.now();
        while (Date.now() === before);
        for (const ref of [ordinary, ofActor, pending]) cancel(ref);
        await Promise.allSettled([get(ordinary), get(ofActor)]);
        return getRuntimeContext().taskId;
      });
      const parent = await get(outer.remote());
      const rows = (await session.state("tasks")).filter(({ name }) => name === "ordinary" || name === "Waiter.wait");
      t.is(rows.length, 2);
      for (const row of rows) {
        t.like(row, { parent, state: "cancelled" });
        t.true(row.submittedAt < row.endedAt!, `${row.submittedAt} ${row.endedAt}`);
      }
    },
  );

  scenario("a call that is too long for a board has its parent, as all others", async (t, session) => {
    const outer = remote(async (count: number) => {
      const long = remote((...values: number[]) => values.length, { name: "long" });
      await get(long.remote(...Array.from({ length: count }, Math.random)));
      return getRuntimeContext().taskId;
    });
    const parent = await get(outer.remote(10_000));
    t.like(
      (await session.state("tasks")).find(({ name }) => name === "long"),
      { parent, state: "finished" },
    );
  });

  scenario("a value that came before is not taken away", async (t) => {
    const done = add.remote(1, 2);
    t.is(await get(done), 3);
    cancel(done, { force: true });
    t.is(await get(done), 3);
    const stored = put(1);
    cancel(stored);
    t.is(await get(stored), 1);
  });

  scenario("the code of a cancelled task hears of it by its signal", async (t) => {
    const { ref: log, view } = await board();
    const listen = remote(async (shared: Int32Array) => {
      const { signal } = getRuntimeContext();
      Atomics.store(shared, 0, 1);
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
      Atomics.store(shared, 1, (signal.reason as { code?: string }).code === "TASK_CANCELLED" ? 1 : 2);
    });
    for (const numCpus of [1, 0.5]) {
      view.fill(0);
      const running = listen.options({ numCpus }).remote(log);
      await until(view, 0, 1);
      cancel(running);
      await t.throwsAsync(get(running), cancelled);
      await until(view, 1, 1);
      t.is(view[1], 1);
    }
    t.false(getRuntimeContext().signal.aborted);
  });

  scenario("what a cancelled task should have given fails what waits for it", async (t) => {
    const slow = never.remote();
    const after = add.remote(slow, 1);
    cancel(slow);
    await t.throwsAsync(get(after), cancelled);
    const parts = remote(async (): Promise<[number, number]> => await new Promise(() => {}), {
      numReturns: 2,
    }).remote();
    cancel(parts[1]);
    await t.throwsAsync(get(parts[0]), cancelled);
  });

  for (const hosted of ["alone", "shared"] as const) {
    scenario(
      `cancel of calls of an actor on ${hosted === "shared" ? "a shared thread" : "a thread of its own"}`,
      async (t, session) => {
        class Gate {
          #signals = 0;
          #calls = 0;
          async pass(): Promise<number> {
            this.#calls += 1;
            const { signal } = getRuntimeContext();
            await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
            this.#signals += 1;
            return 1;
          }
          seen(): number[] {
            return [this.#calls, this.#signals];
          }
        }
        using gate = remote(Gate, { maxConcurrency: 1, hosted }).remote();
        const running = gate.pass.remote();
        const waiting = gate.pass.remote();
        const after = gate.seen.remote();
        t.throws(() => cancel(running, { force: true }), { code: "INVALID_ARGUMENT", message: /force.*kill/ });
        cancel(waiting);
        cancel(running);
        await t.throwsAsync(get(running), cancelled);
        await t.throwsAsync(get(waiting), cancelled);
        // The second one never began; the first one's code heard of it.
        const [calls] = await get(after);
        t.true(calls! <= 1);
        cancel(after);
        t.is((await get(gate.seen.remote()))[0], calls);
        // One that waits for its argument, and does not hold up those after it.
        const blocked = remote(Gate, { hosted }).remote();
        const stuck = add.remote(never.remote(), 1);
        class Sum {
          add(a: number, b: number): number {
            return a + b;
          }
        }
        using sum = remote(Sum, { hosted }).remote();
        const first = sum.add.remote(stuck, 1);
        const second = sum.add.remote(2, 3);
        cancel(first);
        await t.throwsAsync(get(first), cancelled);
        t.is(await get(second), 5);
        kill(blocked);
        cancel(stuck);
        await t.throwsAsync(get(stuck), cancelled);
        t.is((await session.load()).waiting, 0);
      },
    );
  }

  for (const hosted of ["alone", "shared"] as const) {
    scenario(
      `${hosted}: a call that goes on, though its method is not async, hears that it was cancelled, as do the tasks that it made`,
      async (t, session) => {
        const { ref: log, view } = await board();
        const child = remote(async (shared: Int32Array) => {
          Atomics.add(shared, 0, 1);
          await new Promise(() => {});
        });
        const goOn = async (shared: Int32Array, ref: typeof log) => {
          await new Promise((resolve) => setTimeout(resolve, 1));
          try {
            await get(child.remote(ref));
          } catch (reason) {
            if ((reason as { code?: string }).code === "TASK_CANCELLED") Atomics.store(shared, 1, 1);
          }
          Atomics.store(shared, 2, 1);
        };
        class Quiet {
          run(shared: Int32Array, refs: [typeof log]) {
            return goOn(shared, refs[0]);
          }
        }
        using quiet = remote(Quiet, { hosted }).remote();
        for (let i = 0; i < 2; i++) {
          view.fill(0);
          const running = quiet.run.remote(log, [log]);
          await until(view, 0, 1);
          cancel(running);
          await t.throwsAsync(get(running), cancelled);
          await until(view, 2, 1);
          t.is(view[1], 1);
          await rest(session);
        }
      },
    );
  }

  for (const numCpus of [1, 0.5]) {
    scenario(`force, of a task with ${numCpus} CPUs that awaits: it says that it ran`, async (t, session) => {
      const { ref: log, view } = await board();
      const begin = remote(
        async (shared: Int32Array) => {
          Atomics.add(shared, 0, 1);
          await new Promise(() => {});
        },
        { numCpus },
      );
      const running = begin.remote(log);
      await until(view, 0, 1);
      cancel(running, { force: true });
      await t.throwsAsync(get(running), { ...cancelled, message: /cancelled while it ran/ });
      t.is(await get(add.remote(1, 2)), 3);
      t.is(view[0], 1);
      t.like(await session.load(), { tasks: 0, waiting: 0, free: { cpus: 20_000 } });
    });
  }

  scenario("cancel of a task takes its calls of actors along", async (t) => {
    const { ref: log, view } = await board();
    class Slow {
      async pass(shared: Int32Array): Promise<void> {
        Atomics.store(shared, 0, 1);
        await new Promise<void>((resolve) => getRuntimeContext().signal.addEventListener("abort", () => resolve()));
        Atomics.store(shared, 1, 1);
      }
    }
    using slow = remote(Slow).remote();
    const parent = remote(async (handle: typeof slow, refs: [typeof log]) => await get(handle.pass.remote(refs[0])));
    const running = parent.remote(slow, [log]);
    await until(view, 0, 1);
    cancel(running);
    await t.throwsAsync(get(running), cancelled);
    await until(view, 1, 1);
    t.is(view[1], 1);
  });
}
