import test from "ava";
import type { Instruction, SchedulerEvent } from "../../src/tasks/scheduler/events.js";
import { unit } from "../../src/tasks/scheduler/resources.js";
import { Scheduler } from "../../src/tasks/scheduler/scheduler.js";

type Submit = SchedulerEvent & { type: "submit" };

const submit = (task: number, options: Partial<Omit<Submit, "type" | "task">> = {}): Submit => ({
  type: "submit",
  task,
  code: 1,
  demand: { cpus: unit, gpus: 0 },
  maxRetries: 3,
  pending: [],
  ...options,
});

/** A scheduler whose worker threads 1 to `cpus` are up. */
function running({ cpus = 1, gpus = 0 } = {}): Scheduler {
  const scheduler = new Scheduler({ cpus: cpus * unit, gpus: gpus * unit });
  const first = Array.from({ length: cpus }, (_, i) => submit(-1 - i, { code: -1 }));
  const workers = scheduler
    .handle(first)
    .flatMap((instruction) => (instruction.type === "start" ? [instruction.worker] : []));
  const runs = workers.flatMap((worker) => scheduler.handle([{ type: "started", worker }]));
  for (const instruction of runs) {
    if (instruction.type === "run") scheduler.handle([finished(instruction.worker, instruction.task)]);
  }
  return scheduler;
}

const run = (worker: number, task: number, gpus: number[] = []): Instruction => ({ type: "run", worker, task, gpus });
const finished = (worker: number, task: number, milliseconds = 1): SchedulerEvent => ({
  type: "finished",
  worker,
  task,
  milliseconds,
});

test("a thread is started when a task needs it, and no more than there are CPUs", (t) => {
  const scheduler = new Scheduler({ cpus: 2 * unit, gpus: 0 });
  t.deepEqual(scheduler.handle([submit(1), submit(2), submit(3)]), [
    { type: "start", worker: 1, actor: undefined },
    { type: "start", worker: 2, actor: undefined },
  ]);
  t.deepEqual(scheduler.handle([submit(4)]), []);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 1 }]), [run(1, 1)]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [run(2, 2)]);
  t.deepEqual(scheduler.handle([finished(1, 1)]), [run(1, 3)]);
});

test("a task waits for its arguments", (t) => {
  const scheduler = running();
  t.deepEqual(scheduler.handle([submit(3, { pending: [1, 2] })]), []);
  t.deepEqual(scheduler.handle([{ type: "available", object: 1 }]), []);
  t.deepEqual(scheduler.handle([{ type: "available", object: 2 }]), [run(1, 3)]);
});

test("a task whose argument fails fails with it", (t) => {
  const scheduler = running();
  scheduler.handle([submit(3, { pending: [1, 2] }), submit(4, { pending: [3] })]);
  t.deepEqual(scheduler.handle([{ type: "unavailable", object: 2 }]), [
    { type: "fail", task: 3, reason: { kind: "argument", object: 2 } },
  ]);
  t.deepEqual(scheduler.handle([{ type: "unavailable", object: 3 }]), [
    { type: "fail", task: 4, reason: { kind: "argument", object: 3 } },
  ]);
  t.deepEqual(scheduler.load, { waiting: 0, tasks: 0, actors: 0 });
});

test("different demands take turns, and one that does not fit holds nobody back", (t) => {
  const scheduler = running({ cpus: 2, gpus: 1 });
  const gpu = { demand: { cpus: 0, gpus: unit } };
  t.deepEqual(scheduler.handle([submit(1, gpu), submit(2, gpu), submit(3)]), [run(1, 1, [0]), run(2, 3)]);
  t.deepEqual(scheduler.handle([finished(2, 3), submit(4)]), [run(2, 4)]);
  t.deepEqual(scheduler.handle([finished(1, 1)]), [run(1, 2, [0])]);
});

test("a task that waits gives its CPU back and keeps its GPU", (t) => {
  const scheduler = running({ cpus: 1, gpus: 1 });
  const both = { demand: { cpus: unit, gpus: unit } };
  t.deepEqual(scheduler.handle([submit(1, both), submit(2), submit(3, both)]), [run(1, 1, [0])]);
  t.deepEqual(scheduler.handle([{ type: "blocked", worker: 1, task: 1 }]), [run(1, 2)]);
  t.deepEqual(scheduler.handle([{ type: "resumed", worker: 1, task: 1 }]), []);
  t.is(scheduler.ledger.free().cpus, -unit);
  t.deepEqual(scheduler.handle([finished(1, 2)]), []);
  t.deepEqual(scheduler.handle([finished(1, 1)]), [run(1, 3, [0])]);
  scheduler.handle([finished(1, 3)]);
  t.deepEqual(scheduler.ledger.free(), { cpus: unit, gpus: unit });
});

test("a function known to be short is sent ahead, one that never ran is not", (t) => {
  const scheduler = running();
  t.deepEqual(scheduler.handle([submit(1), submit(2), submit(3), submit(4)]), [run(1, 1)]);
  t.deepEqual(scheduler.handle([finished(1, 1, 0.001)]), [run(1, 2), run(1, 3), run(1, 4)]);
});

test("the task that was alone on a dead worker is to blame; those that shared it run alone next", (t) => {
  const scheduler = running();
  const once = { maxRetries: 0 };
  scheduler.handle([submit(1), submit(2, once), submit(3, once), submit(4, once)]);
  scheduler.handle([finished(1, 1, 0.001)]);
  t.deepEqual(scheduler.handle([{ type: "died", worker: 1 }]), [{ type: "start", worker: 2, actor: undefined }]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [run(2, 2)]);
  t.deepEqual(scheduler.handle([{ type: "died", worker: 2 }]), [
    { type: "fail", task: 2, reason: { kind: "worker", worker: 2, attempts: 2 } },
    { type: "start", worker: 3, actor: undefined },
  ]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 3 }]), [run(3, 3)]);
  t.deepEqual(scheduler.handle([finished(3, 3, 0.001)]), [run(3, 4)]);
});

test("a task runs again as often as it may", (t) => {
  const scheduler = running();
  scheduler.handle([submit(1, { maxRetries: 1 })]);
  scheduler.handle([{ type: "died", worker: 1 }]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [run(2, 1)]);
  t.deepEqual(scheduler.handle([{ type: "died", worker: 2 }]), [
    { type: "fail", task: 1, reason: { kind: "worker", worker: 2, attempts: 2 } },
  ]);
  t.deepEqual(scheduler.ledger.free(), { cpus: unit, gpus: 0 });
});

test("when threads end before they are up, what is queued fails", (t) => {
  const scheduler = new Scheduler({ cpus: unit, gpus: 0 });
  scheduler.handle([submit(1)]);
  for (const worker of [1, 2]) {
    t.deepEqual(scheduler.handle([{ type: "died", worker }]), [
      { type: "start", worker: worker + 1, actor: undefined },
    ]);
  }
  t.deepEqual(scheduler.handle([{ type: "died", worker: 3 }]), [
    { type: "fail", task: 1, reason: { kind: "no-workers" } },
  ]);
});

test("an actor gets a thread of its own, and its calls keep their callers' order", (t) => {
  const scheduler = running();
  const call = (task: number, caller: number, pending: number[] = []): SchedulerEvent => ({
    type: "call",
    task,
    actor: 10,
    caller,
    maxTaskRetries: 0,
    pending,
  });
  const demand = { cpus: 0, gpus: 0 };
  t.deepEqual(
    scheduler.handle([{ type: "create", actor: 10, demand, shared: false, maxRestarts: 0, pending: [9] }]),
    [],
  );
  t.deepEqual(scheduler.handle([call(11, 0, [8]), call(12, 0), call(13, 1)]), []);
  t.deepEqual(scheduler.handle([{ type: "available", object: 9 }]), [{ type: "start", worker: 2, actor: 10 }]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [
    { type: "construct", worker: 2, actor: 10, gpus: [] },
    { type: "call", worker: 2, task: 13 },
  ]);
  t.deepEqual(scheduler.handle([{ type: "available", object: 8 }]), [
    { type: "call", worker: 2, task: 11 },
    { type: "call", worker: 2, task: 12 },
  ]);
  t.deepEqual(scheduler.handle([finished(2, 13), { type: "died", worker: 2 }, call(14, 0)]), [
    { type: "dead", actor: 10, reason: { kind: "worker", worker: 2 } },
    { type: "fail", task: 11, reason: { kind: "actor", actor: 10 } },
    { type: "fail", task: 12, reason: { kind: "actor", actor: 10 } },
    { type: "fail", task: 14, reason: { kind: "actor", actor: 10 } },
  ]);
});

test("an actor waits for what it asks for and gives it back", (t) => {
  const scheduler = running({ gpus: 1 });
  const create = (actor: number): SchedulerEvent => ({
    type: "create",
    actor,
    demand: { cpus: 0, gpus: unit },
    shared: false,
    maxRestarts: 0,
    pending: [],
  });
  t.deepEqual(scheduler.handle([create(10), create(11)]), [{ type: "start", worker: 2, actor: 10 }]);
  t.deepEqual(scheduler.handle([{ type: "kill", actor: 10 }]), [
    { type: "dead", actor: 10, reason: { kind: "killed" } },
    { type: "stop", worker: 2 },
    { type: "start", worker: 3, actor: 11 },
  ]);
  t.deepEqual(scheduler.handle([{ type: "kill", actor: 10 }]), []);
});

test("cancelling takes a task out of the queue, and tells the worker of one that runs", (t) => {
  const scheduler = running();
  scheduler.handle([submit(1), submit(2), submit(3, { pending: [1] })]);
  t.deepEqual(scheduler.handle([1, 2, 3].map((task) => ({ type: "cancel", task, force: false, recursive: true }))), [
    { type: "cancel", worker: 1, task: 1, recursive: true },
    ...[2, 3].map((task) => ({ type: "fail", task, reason: { kind: "cancelled" } })),
  ]);
  t.deepEqual(scheduler.handle([finished(1, 1)]), []);
});

test("cancelling by force ends the thread, and who shared it runs again without blame", (t) => {
  const scheduler = running();
  const once = { maxRetries: 0 };
  scheduler.handle([submit(1), submit(2, once), submit(3, once)]);
  scheduler.handle([finished(1, 1, 0.001)]);
  t.deepEqual(scheduler.handle([{ type: "cancel", task: 2, force: true, recursive: true }]), [
    { type: "stop", worker: 1 },
    { type: "fail", task: 2, reason: { kind: "cancelled" } },
    { type: "start", worker: 2, actor: undefined },
  ]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [run(2, 3)]);
  t.deepEqual(scheduler.handle([{ type: "died", worker: 2 }]), [
    { type: "fail", task: 3, reason: { kind: "worker", worker: 2, attempts: 2 } },
  ]);
});

test("shared actors are spread evenly over as many threads as there are CPUs, and one that ends leaves its thread", (t) => {
  const scheduler = new Scheduler({ cpus: 2 * unit, gpus: 0 });
  const none = { cpus: 0, gpus: 0 };
  const create = (actor: number): SchedulerEvent => ({
    type: "create",
    actor,
    demand: none,
    shared: true,
    maxRestarts: 0,
    pending: [],
  });
  t.deepEqual(scheduler.handle([create(10), create(11), create(12)]), [
    { type: "host", worker: 1 },
    { type: "host", worker: 2 },
  ]);
  const construct = (worker: number, actor: number) => ({ type: "construct", worker, actor, gpus: [] });
  t.deepEqual(scheduler.handle([{ type: "started", worker: 1 }]), [construct(1, 10), construct(1, 12)]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [construct(2, 11)]);
  t.deepEqual(scheduler.handle([create(13)]), [construct(2, 13)]);
  t.deepEqual(scheduler.handle([{ type: "kill", actor: 11 }]), [
    { type: "dead", actor: 11, reason: { kind: "killed" } },
    { type: "evict", worker: 2, actor: 11, again: false },
  ]);
  t.deepEqual(scheduler.handle([create(14)]), [construct(2, 14)]);
  t.deepEqual(scheduler.handle([{ type: "died", worker: 2 }]), [
    { type: "dead", actor: 13, reason: { kind: "worker", worker: 2 } },
    { type: "dead", actor: 14, reason: { kind: "worker", worker: 2 } },
  ]);
  t.deepEqual(scheduler.handle([create(15)]), [{ type: "host", worker: 3 }]);
  t.is(scheduler.load.actors, 3);
});

test("a task that goes on where a permit was given meanwhile needs no CPU beside that", (t) => {
  const scheduler = new Scheduler({ cpus: 2 * unit, gpus: 0 });
  const half = { demand: { cpus: unit / 2, gpus: 0 } };
  scheduler.handle([{ type: "board" }]);
  scheduler.handle([submit(1, half)]);
  t.deepEqual(scheduler.handle([{ type: "started", worker: 1 }]), [run(1, 1)]);
  t.deepEqual(scheduler.handle([{ type: "blocked", worker: 1, task: 1 }]), [{ type: "permit", worker: 1 }]);
  t.deepEqual(scheduler.handle([{ type: "resumed", worker: 1, task: 1 }]), []);
  // The other worker may take calls, which the first one cannot as long as the task has its thread.
  t.deepEqual(scheduler.handle([{ type: "started", worker: 2 }]), [{ type: "permit", worker: 2 }]);
  t.deepEqual(scheduler.ledger.free(), { cpus: 0, gpus: 0 });
  scheduler.handle([finished(1, 1)]);
  t.deepEqual(scheduler.ledger.free(), { cpus: 0, gpus: 0 });
});

test("a task that waits for a CPU does not wait for a worker that runs a long call while another one idles", (t) => {
  for (const idle of [0, 1]) {
    const scheduler = running({ cpus: 2 });
    const permits = scheduler.handle([{ type: "board" }]);
    const workers = permits.flatMap((instruction) => (instruction.type === "permit" ? [instruction.worker] : []));
    t.is(workers.length, 2);
    const asked = scheduler.handle([submit(7, { demand: { cpus: unit / 2, gpus: 0 } })]);
    t.true(asked.some((instruction) => instruction.type === "revoke" && instruction.worker === workers[idle]));
    const worker = workers[idle]!;
    t.deepEqual(scheduler.handle([{ type: "parked", worker }]), [run(worker, 7)]);
  }
});
