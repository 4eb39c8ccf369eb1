import type { ExecutionContext } from "ava";
import type { TaskRow } from "../../src/control/index.js";
import { cancel, get, kill, type ObjectRef, remote } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

const on = scenariosOn(makeWorkers);

const scenario = (title: string, cpus: number, run: (t: ExecutionContext, rows: Rows) => Promise<void>) =>
  on(
    title,
    (t, session) =>
      run(t, async (fits) => {
        // What a thread has taken or begun shows a moment after.
        for (;;) {
          const rows = await session.state("tasks");
          const shown = rows.map(({ name, state }) => `${name} ${state}`).sort();
          if (fits(shown)) return rows;
          await new Promise((resolve) => setImmediate(resolve));
        }
      }),
    { cpus },
  );

/** Resolves with the rows once what they say fits. */
type Rows = (fits: (shown: string[]) => boolean) => Promise<TaskRow[]>;

const all =
  (...expected: string[]) =>
  (shown: string[]) =>
    shown.join() === expected.sort().join();

const gate = () => new Int32Array(new SharedArrayBuffer(8));
const open = (flags: Int32Array) => {
  Atomics.store(flags, 1, 1);
  Atomics.notify(flags, 1);
};

scenario("a call that waits for an argument has a row, and so have those behind it", 1, async (t, rows) => {
  class Door {
    #open: () => void = () => {};
    wait() {
      return new Promise<number>((resolve) => {
        this.#open = () => resolve(1);
      });
    }
    open() {
      this.#open();
    }
  }
  const door = remote(Door, { maxConcurrency: 2 }).remote();
  const add = remote(function add(a: number, b: number) {
    return a + b;
  });
  const first = door.wait.remote();
  const sum = add.remote(first, 2);
  const more = add.remote(sum, 3);
  const seen = await rows(all("Door.wait running", "add pending", "add pending"));
  const wait = seen.find(({ name }) => name === "Door.wait")!;
  t.like(wait, { kind: "actor-call", state: "running", parent: null });
  t.truthy(wait.actor);
  t.truthy(wait.worker);
  t.true(wait.startedAt! >= wait.submittedAt - 1);
  const pending = seen.filter(({ name }) => name === "add");
  t.true(
    pending.every(({ worker, startedAt, endedAt, attempt }) => !worker && !startedAt && !endedAt && attempt === 0),
  );
  await get(door.open.remote());
  t.is(await get(more), 6);
  const ended = await rows((shown) => shown.every((line) => line.endsWith("finished")));
  t.is(ended.length, 4);
  t.is(new Set(ended.map(({ id }) => id)).size, 4);
});

scenario("what is behind the board, kept in a worker, or cancelled, has rows, each once", 1, async (t, rows) => {
  const stay = remote(function stay(flags: Int32Array) {
    Atomics.wait(flags, 1, 0);
  });
  const quick = remote(function quick(x: number) {
    return x;
  });
  const flags = gate();
  const blocker = stay.remote(flags);
  // More than a board has slots.
  const many = Array.from({ length: 20_000 }, (_, i) => quick.remote(i));
  const last = many.at(-1)!;
  cancel(last);
  await t.throwsAsync(get(last), { message: /withdrawn/ });
  const seen = await rows(
    (shown) => shown.includes("stay running") && shown.filter((line) => line === "quick pending").length === 19_999,
  );
  t.is(new Set(seen.map(({ id }) => id)).size, 20_001);
  t.is(seen.filter(({ state }) => state === "cancelled").length, 1);
  open(flags);
  await get([blocker, ...many.slice(0, -1)] as ObjectRef<unknown>[]);
  const ended = await rows((shown) => !shown.some((line) => /pending|running/.test(line)));
  t.is(ended.length, 20_001);
  t.is(new Set(ended.map(({ id }) => id)).size, 20_001);
  t.is(ended.filter(({ state }) => state === "finished").length, 20_000);
});

scenario(
  "a call that runs again has the row of its new run, though the thread lives on that had it",
  1,
  async (t, rows) => {
    class Sleeper {
      async hang(): Promise<never> {
        return await new Promise<never>(() => {});
      }
      look(): void {}
    }
    const Shared = remote(Sleeper, { hosted: "shared", maxRestarts: 1, maxTaskRetries: 1 });
    const [neighbour, sleeper] = [Shared.remote(), Shared.remote()];
    await get(neighbour.look.remote());
    const hanging = sleeper.hang.remote();
    const running = (shown: string[]): boolean => shown.includes("Sleeper.hang running");
    const rowOf = (shown: TaskRow[]): TaskRow | undefined => shown.find(({ name }) => name === "Sleeper.hang");
    const first = rowOf(await rows(running))!;
    kill(sleeper, { noRestart: false });
    await get(sleeper.look.remote());
    const second = rowOf(await rows(running))!;
    t.is(second.id, first.id);
    t.true(second.startedAt! > first.startedAt!);
    kill(sleeper);
    await t.throwsAsync(get(hanging), { code: "ACTOR_DIED" });
  },
);

scenario("a task that waits for its children runs, and they name it as their parent", 2, async (t, rows) => {
  const flags = gate();
  const child = remote(function child(flags: Int32Array) {
    Atomics.wait(flags, 1, 0);
    return 1;
  });
  const parent = remote(async function parent(flags: Int32Array) {
    return await get(child.remote(flags));
  });
  const done = get(parent.remote(flags));
  const seen = await rows(all("parent running", "child running"));
  const [one, other] = ["parent", "child"].map((name) => seen.find((row) => row.name === name)!);
  t.is(other!.parent, one!.id);
  open(flags);
  t.is(await done, 1);
});
