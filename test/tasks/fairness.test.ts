import test from "ava";
import { RandomStream } from "../../src/random.js";
import type { Instruction } from "../../src/tasks/scheduler/events.js";
import { unit } from "../../src/tasks/scheduler/resources.js";
import { Scheduler } from "../../src/tasks/scheduler/scheduler.js";

/** What a run came to: milliseconds of CPU, and how long at most one side had none of them. */
interface Shares {
  tasks: number;
  boards: number;
  longestWait: { tasks: number; boards: number };
}

/**
 * A node on a clock of its own, on which two streams never end: tasks in the scheduler's queue that take so long, and calls
 * on boards. Permitted workers always find a call, and look at their permits after each.
 */
function compete(
  random: RandomStream,
  cpus: number,
  demand: number,
  taskMilliseconds: number,
  callMilliseconds: number,
) {
  const scheduler = new Scheduler({ cpus: cpus * unit, gpus: 0 });
  const until = 2000;
  const shares: Shares = { tasks: 0, boards: 0, longestWait: { tasks: 0, boards: 0 } };
  const last = { tasks: 0, boards: 0 };
  const agenda: { at: number; happen: () => void }[] = [];
  const permits = new Map<number, { granted: boolean; over: number }>();
  const queues = new Map<number, number[]>();
  const isActive = new Set<number>();
  let now = 0;
  let lastTask = 0;
  const later = (milliseconds: number, happen: () => void) => {
    agenda.push({ at: now + milliseconds, happen });
    agenda.sort((a, b) => a.at - b.at);
  };
  const had = (side: "tasks" | "boards", milliseconds: number) => {
    shares[side] += milliseconds;
    shares.longestWait[side] = Math.max(shares.longestWait[side], now - milliseconds - last[side]);
    last[side] = now;
  };
  const submit = () => {
    lastTask += 1;
    handle([
      { type: "submit", task: lastTask, code: 1, demand: { cpus: demand, gpus: 0 }, maxRetries: 0, pending: [] },
    ]);
  };
  const runNext = (worker: number) => {
    const task = queues.get(worker)?.[0];
    if (task === undefined || isActive.has(worker)) return;
    isActive.add(worker);
    const milliseconds = taskMilliseconds * (0.5 + random.next());
    later(milliseconds, () => {
      isActive.delete(worker);
      queues.get(worker)!.shift();
      had("tasks", (milliseconds * demand) / unit);
      handle([{ type: "finished", worker, task, milliseconds }]);
      submit();
      runNext(worker);
    });
  };
  const claim = (worker: number) => {
    const milliseconds = callMilliseconds * (0.5 + random.next());
    later(milliseconds, () => {
      had("boards", milliseconds);
      const { granted, over } = permits.get(worker)!;
      if (granted && now < over) return claim(worker);
      permits.delete(worker);
      handle([{ type: "parked", worker }]);
    });
  };
  const carryOut = (instruction: Instruction) => {
    if (instruction.type === "start") {
      const { worker } = instruction;
      later(0, () => handle([{ type: "started", worker }]));
    } else if (instruction.type === "run") {
      const { worker, task } = instruction;
      queues.set(worker, [...(queues.get(worker) ?? []), task]);
      runNext(worker);
    } else if (instruction.type === "permit") {
      const { worker, milliseconds = Number.POSITIVE_INFINITY } = instruction;
      permits.set(worker, { granted: true, over: now + milliseconds });
      claim(worker);
    } else if (instruction.type === "revoke") permits.get(instruction.worker)!.granted = false;
  };
  const handle = (events: Parameters<Scheduler["handle"]>[0]) => {
    for (const instruction of scheduler.handle(events)) carryOut(instruction);
  };
  handle([{ type: "board" }]);
  for (let i = 0; i < 300; i++) submit();
  for (let next = agenda.shift(); next !== undefined && now < until; next = agenda.shift()) {
    now = next.at;
    next.happen();
  }
  return { ...shares, used: (shares.tasks + shares.boards) / (now * cpus) };
}

const cases: [cpus: number, demand: number, task: number, call: number][] = [
  [1, unit, 5, 5],
  [1, unit, 0.02, 0.05],
  [1, unit, 20, 0.5],
  [2, unit, 5, 1],
  [2, unit, 0.02, 0.05],
  [2, 2 * unit, 5, 1],
  [4, unit / 2, 3, 2],
  [4, 3 * unit, 4, 4],
];

for (const [cpus, demand, task, call] of cases) {
  test(`${cpus} CPUs, tasks of ${demand / unit} CPUs and ${task} ms against calls of ${call} ms: both have their share`, (t) => {
    const random = new RandomStream("fairness", cpus * 1000 + task);
    const { tasks, boards, longestWait, used } = compete(random, cpus, demand, task, call);
    const share = tasks / (tasks + boards);
    t.true(share > 0.3 && share < 0.7, `tasks had ${share} of the time`);
    t.true(used > 0.7, `${used} of the CPUs' time was used`);
    const longest = 10 * (1 + task + call);
    t.true(longestWait.tasks < longest && longestWait.boards < longest, JSON.stringify(longestWait));
  });
}
