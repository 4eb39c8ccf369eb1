import {
  availableResources,
  cancel,
  clusterResources,
  get,
  getGpuIds,
  getRuntimeContext,
  kill,
  nodes,
  put,
  remote,
  wait,
} from "../../src/tasks/index.js";
import { asked, askWhenTold, ended, keepAsking, refused, told } from "./plain-module.js";
import type { Scenario } from "./scenario.js";
import { until } from "./session.js";

/** What a backend promises about resources. */
export function testResources(scenario: Scenario): void {
  const id = remote(<T>(value: T) => value);
  class Holder {
    gpus(): readonly number[] {
      return getGpuIds();
    }
  }
  const RemoteHolder = remote(Holder);

  scenario(
    "custom resources are held by tasks and actors, and waited for",
    async (t, session) => {
      const holder = RemoteHolder.options({ resources: { licence: 1.5 } }).remote();
      await get(holder.gpus.remote());
      const half = id.options({ resources: { licence: 0.5 } });
      t.is(await get(half.remote(1)), 1);
      const whole = half.options({ resources: { licence: 1, probe: 0.0001 } }).remote(2);
      t.deepEqual(await wait([whole], { timeoutMs: 20 }), [[], [whole]]);
      t.deepEqual(await availableResources(), { CPU: 2, GPU: 0, licence: 0.5, probe: 0.0001 });
      kill(holder);
      t.is(await get(whole), 2);
      const all = { cpus: 20_000, gpus: 0, custom: { licence: 20_000, probe: 1 } };
      t.deepEqual((await session.load()).free, all);
    },
    { resources: { licence: 2, probe: 0.0001 } },
  );

  scenario(
    "what the node has and what is free can be asked for, and read as a table",
    async (t, session) => {
      const holder = RemoteHolder.options({ numCpus: 0.5, numGpus: 0.25, resources: { "a/b": 3 } }).remote();
      await get(holder.gpus.remote());
      const total = { CPU: 2, GPU: 1, "a/b": 4 };
      const available = { CPU: 1.5, GPU: 0.75, "a/b": 1 };
      t.deepEqual(await clusterResources(), total);
      t.deepEqual(await availableResources(), available);
      t.deepEqual(await nodes(), [{ id: "node-0", alive: true, resources: total, available }]);
      t.deepEqual(await session.state("resources"), [
        { id: "node-0/CPU", node: "node-0", name: "CPU", total: 2, available: 1.5 },
        { id: "node-0/GPU", node: "node-0", name: "GPU", total: 1, available: 0.75 },
        { id: "node-0/a/b", node: "node-0", name: "a/b", total: 4, available: 1 },
      ]);
    },
    { gpus: 1, resources: { "a/b": 4 } },
  );

  scenario(
    "a request that no node can meet is refused at once, by tasks and by actors",
    async (t) => {
      const licences = { resources: { licence: 3, robot: 1 } };
      const refusal = {
        code: "FAILED_PRECONDITION",
        message:
          /asks for 0.5 CPUs, 0 GPUs, 3 of "licence" and 1 of "robot", but this node has 2 CPUs, 0 GPUs, 2 of "licence" and 0 of "robot"\. Ask for less/,
      };
      t.throws(() => id.options({ ...licences, numCpus: 0.5 }).remote(1), refusal);
      t.throws(() => RemoteHolder.options({ ...licences, numCpus: 0.5 }).remote(), refusal);
      t.throws(() => RemoteHolder.options({ numGpus: 0.0001 }).remote(), { code: "FAILED_PRECONDITION" });
    },
    { resources: { licence: 2 } },
  );

  scenario("what is no amount of a custom resource is refused", async (t) => {
    for (const name of ["CPU", "GPU", "cpus", ""]) {
      t.throws(() => id.options({ resources: { [name]: 1 } }), { code: "INVALID_ARGUMENT", message: /numCpus/ });
    }
    for (const amount of [-1, Number.NaN, 0.00005, Number.POSITIVE_INFINITY]) {
      t.throws(() => id.options({ resources: { licence: amount } }), { code: "INVALID_ARGUMENT", message: /licence/ });
    }
    t.is(await get(id.options({ resources: { licence: 0 } }).remote(1)), 1);
  });

  scenario(
    "code can ask where it runs and what it holds",
    async (t, session) => {
      class Asked {
        ask() {
          const { signal: _, ...context } = getRuntimeContext();
          return context;
        }
      }
      const ask = remote(function ask(failures = 0) {
        const { signal: _, ...context } = getRuntimeContext();
        if (context.attempt <= failures) throw new Error("not yet");
        return context;
      });
      const { signal: _, ...driver } = getRuntimeContext();
      const none = { taskId: undefined, taskName: undefined, actorId: undefined, workerId: undefined };
      t.like(driver, { ...none, nodeId: "node-0", attempt: 0, assignedResources: {} });
      t.truthy(driver.jobId);
      const plain = ask.remote();
      const context = await get(plain);
      t.like(context, { jobId: driver.jobId, nodeId: "node-0", taskName: "ask", attempt: 1, actorId: undefined });
      t.deepEqual(context.assignedResources, { CPU: 1 });
      t.true(`${plain}`.includes(context.taskId!));
      const most = { numCpus: 0.5, numGpus: 1, resources: { licence: 2 }, retryExceptions: true };
      const other = await get(ask.options(most).remote(2));
      t.deepEqual(other.assignedResources, { CPU: 0.5, GPU: 1, licence: 2 });
      t.is(other.attempt, 3);
      t.is((await get(ask.options({ retryExceptions: true }).remote(1))).attempt, 2);
      const actor = remote(Asked, { resources: { licence: 0.5 } }).remote();
      const inActor = await get(actor.ask.remote());
      t.like(inActor, { taskName: "Asked.ask", attempt: 1, wasReconstructed: false });
      t.deepEqual(inActor.assignedResources, { licence: 0.5 });
      const [row] = await session.state("actors");
      t.is(inActor.actorId, row!.id);
      if (inActor.workerId !== undefined) t.is(inActor.workerId, row!.worker!);
    },
    { gpus: 1, resources: { licence: 2 } },
  );

  for (const hosted of ["alone", "shared"] as const) {
    scenario(`${hosted}: code of an actor without async methods knows where it is when it goes on`, async (t) => {
      const nameAfter = async (gate: Promise<unknown>) => {
        await gate;
        await new Promise((resolve) => setTimeout(resolve, 1));
        const { taskName, taskId, actorId } = getRuntimeContext();
        return { taskName, taskId, actorId };
      };
      class Quiet {
        #open: () => void = () => {};
        readonly #gate = new Promise<void>((resolve) => {
          this.#open = resolve;
        });
        #aside: string | undefined;

        constructor() {
          void nameAfter(this.#gate).then(({ taskName }) => {
            this.#aside = taskName;
          });
        }
        first() {
          return nameAfter(this.#gate);
        }
        second() {
          return nameAfter(this.#gate);
        }
        open() {
          this.#open();
          return getRuntimeContext().taskName;
        }
        aside() {
          return this.#aside;
        }
      }
      // Code that no call waits for is the actor's own.
      using alone = remote(Quiet, { hosted }).remote();
      t.is(await get(alone.open.remote()), "Quiet.open");
      let aside: string | undefined;
      while (aside === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        aside = await get(alone.aside.remote());
      }
      t.is(aside, "Quiet");
      // The call that is the first to go on, and one more.
      using quiet = remote(Quiet, { hosted, maxConcurrency: 4 }).remote();
      const calls = { "Quiet.first": quiet.first.remote(), "Quiet.second": quiet.second.remote() };
      t.is(await get(quiet.open.remote()), "Quiet.open");
      for (const [taskName, ref] of Object.entries(calls)) {
        const context = await get(ref);
        t.like(context, { taskName });
        t.truthy(context.actorId);
        t.true(`${ref}`.includes(context.taskId!));
      }
      t.is(await get(quiet.open.remote()), "Quiet.open");
    });
    scenario(`${hosted}: so does code that nothing tells of that it goes on`, async (t) => {
      class Plain {
        constructor(log: Int32Array) {
          keepAsking(log);
        }
        ask(log: Int32Array, times: number) {
          return askWhenTold(log, times);
        }
        name() {
          return getRuntimeContext().taskName;
        }
      }
      const log = put(new Int32Array(new SharedArrayBuffer(1 << 17)));
      const view = await get(log);
      using plain = remote(Plain, { hosted, maxConcurrency: 4 }).remote(log);
      t.is(await get(plain.name.remote()), "Plain.name");
      // The actor's own code goes on, whatever becomes of the call that is the first to do so: only what it waits for then may fail.
      const never = plain.ask.remote(log, 2);
      await until(view, asked, view[asked]! + 3);
      cancel(never);
      await t.throwsAsync(get(never), { code: "TASK_CANCELLED" });
      await until(view, asked, view[asked]! + 3);
      t.true(view[refused]! <= 1, `${view[refused]}`);
      const calls = [plain.ask.remote(log, 1), plain.ask.remote(log, 1)];
      t.is(await get(plain.name.remote()), "Plain.name");
      Atomics.store(view, told, 1);
      for (const ref of calls) {
        const { taskName, taskId } = await get(ref);
        t.is(taskName, "Plain.ask");
        t.true(`${ref}`.includes(taskId!));
      }
      Atomics.store(view, told, 2);
      await until(view, ended, 4);
    });
  }

  scenario(
    "a GPU is shared by those that ask for parts of it",
    async (t) => {
      const actors = [0.5, 0.3, 0.2].map((numGpus) => RemoteHolder.options({ numGpus }).remote());
      t.deepEqual(await get(actors.map((actor) => actor.gpus.remote())), [[0], [0], [0]]);
      const whole = RemoteHolder.options({ numGpus: 1 }).remote();
      t.deepEqual(await get(whole.gpus.remote()), [1]);
      t.is((await availableResources()).GPU, 0);
    },
    { gpus: 2 },
  );
}
