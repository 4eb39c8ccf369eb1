import { get, kill, type ObjectRef, remote, setContext } from "../../src/tasks/index.js";
import { makeWorkers, type Session } from "../tasks/session.js";
import type { Outcome, Room, RoomOptions } from "./room.js";

/** How far a thread has come that ends itself: whether it was told to, whether it did, and how many steps it made. */
type Fuse = Int32Array;
const [lit, burnt, made] = [0, 1, 2];

/**
 * Ends the calling thread just before, or just after, its `steps`th write that other threads can see: each operation that
 * writes by Atomics, and each message, is two steps. Only the first thread that calls it is ended.
 */
function light(fuse: Fuse, steps: number): void {
  if (fuse[0] !== 0) return;
  fuse[0] = 1;
  let left = steps;
  const step = () => {
    fuse[2]! += 1;
    left -= 1;
    if (left !== 0) return;
    fuse[1] = 1;
    process.exit(1);
  };
  const watch = (owner: object, name: string) => {
    const methods = owner as Record<string, (...args: unknown[]) => unknown>;
    const original = methods[name]!;
    methods[name] = function (this: unknown, ...args: unknown[]) {
      step();
      const result = original.apply(this, args);
      step();
      return result;
    };
  };
  for (const name of ["store", "add", "exchange", "compareExchange", "notify"]) watch(Atomics, name);
  watch(process.getBuiltinModule("node:worker_threads").MessagePort.prototype, "postMessage");
}

/** What one round of work came to, and what of it is not as it must be. */
type Round = (fuse: Fuse, steps: number) => Promise<string[]>;

/** One value each, in the order of the calls; a failure's code in place of a value. */
async function outcomesOf(refs: readonly ObjectRef<unknown>[]): Promise<unknown[]> {
  const outcomes = await Promise.all(
    refs.map((ref) => get(ref).then(summarize, (error: { code?: string }) => error.code ?? String(error))),
  );
  for (const ref of refs) ref[Symbol.dispose]();
  return outcomes;
}

function summarize(value: unknown): unknown {
  return value instanceof Float64Array ? `${value.length} times ${value[7]}` : value;
}

function differences(what: string, outcomes: readonly unknown[], expected: readonly unknown[]): string[] {
  return outcomes.flatMap((outcome, i) =>
    outcome === expected[i] ? [] : [`${what} ${i} came to ${String(outcome)} and not to ${String(expected[i])}`],
  );
}

/** Tasks from a board: small ones, some that submit others and wait, a large result, a failure. */
const tasks: Round = async (fuse, steps) => {
  const begun = new Int32Array(new SharedArrayBuffer(4 * 16));
  const start = remote(() => light(fuse, steps), { name: "start" });
  const small = remote(
    (index: number) => {
      begun[index]! += 1;
      return index * 10;
    },
    { name: "small" },
  );
  const parent = remote(
    async (index: number) => {
      begun[index]! += 1;
      const refs = [small.remote(index + 1), small.remote(index + 2), small.remote(index + 3)];
      const values = await get(refs);
      for (const ref of refs) ref[Symbol.dispose]();
      return values.reduce((a, b) => a + b, 0);
    },
    { name: "parent" },
  );
  const large = remote(
    (index: number) => {
      begun[index]! += 1;
      return new Float64Array(20_000).fill(index);
    },
    { name: "large" },
  );
  const fail = remote(
    (index: number): number => {
      begun[index]! += 1;
      throw new Error("of its own");
    },
    { name: "fail" },
  );
  const refs = [start.remote(), small.remote(1), parent.remote(2), large.remote(6), fail.remote(7), small.remote(8)];
  const outcomes = await outcomesOf(refs);
  const broken = differences("task", outcomes, [undefined, 10, 120, "20000 times 6", "TASK_FAILED", 80]);
  // An end is one more attempt for what it hit; what a task submitted runs once more with it.
  begun.forEach((times, index) => {
    if (index > 0 && index < 9 && (times < 1 || times > 2)) broken.push(`task ${index} began ${times} times`);
  });
  return broken;
};

/** A task that is not tried again: it has its value, or says that its worker died. */
const once: Round = async (fuse, steps) => {
  const begun = new Int32Array(new SharedArrayBuffer(4));
  const start = remote(() => light(fuse, steps), { name: "start" });
  const large = remote(
    () => {
      begun[0]! += 1;
      return new Float64Array(20_000).fill(6);
    },
    { name: "large", maxRetries: 0 },
  );
  const [, outcome] = await outcomesOf([start.remote(), large.remote()]);
  const broken = outcome === "WORKER_DIED" ? [] : differences("task", [outcome], ["20000 times 6"]);
  // Its code may have been loading, which counts as an attempt, too.
  if (begun[0]! > 1) broken.push(`the task began ${begun[0]} times`);
  return broken;
};

/** Calls of an actor that is made anew, which are tried again. */
const restarted: Round = async (fuse, steps) => {
  const order = new Int32Array(new SharedArrayBuffer(4 * 64));
  const refs = callActor(fuse, steps, order, { maxRestarts: 1, maxTaskRetries: -1 });
  const broken = differences("call", await outcomesOf(refs.calls), expectedOfActor);
  kill(refs.actor);
  const seen = [...order.subarray(1, 1 + order[0]!)];
  // Calls of one caller in order; an end may go back by what had begun, and not further.
  const steady = seen.filter((call, i) => i > 0 && call !== seen[i - 1]! + 1).length;
  if (steady > 1) broken.push(`calls began in the order ${seen.join(" ")}`);
  return broken;
};

/** Calls of an actor that is not: each has its value or says that the actor died, and none begins twice. */
const mortal: Round = async (fuse, steps) => {
  const order = new Int32Array(new SharedArrayBuffer(4 * 64));
  const refs = callActor(fuse, steps, order, {});
  const outcomes = await outcomesOf(refs.calls);
  kill(refs.actor);
  const broken = differences(
    "call",
    outcomes,
    outcomes.map((outcome, i) => (outcome === "ACTOR_DIED" ? outcome : expectedOfActor[i])),
  );
  const seen = [...order.subarray(1, 1 + order[0]!)];
  if (seen.some((call, i) => call !== i + 1)) broken.push(`calls began in the order ${seen.join(" ")}`);
  const answered = outcomes.filter((outcome) => outcome !== "ACTOR_DIED").length;
  if (fuse[burnt] === 0 && answered < outcomes.length) broken.push("a call failed though its actor lived");
  if (answered > seen.length + 1) broken.push(`${answered} calls have results, ${seen.length} began`);
  return broken;
};

const expectedOfActor = [undefined, 1, 2, "20000 times 3", "TASK_FAILED", 5, 6];

function callActor(
  fuse: Fuse,
  steps: number,
  order: Int32Array,
  options: { maxRestarts?: number; maxTaskRetries?: number },
) {
  class Clerk {
    start(): void {
      light(fuse, steps);
    }
    echo(call: number): number {
      this.note(call);
      return call;
    }
    large(call: number): Float64Array {
      this.note(call);
      return new Float64Array(20_000).fill(call);
    }
    fail(call: number): number {
      this.note(call);
      throw new Error("of its own");
    }
    note(call: number): void {
      order[0]! += 1;
      order[order[0]!] = call;
    }
  }
  const actor = remote(Clerk, options).remote();
  const { echo, large, fail } = actor;
  const calls: ObjectRef<unknown>[] = [actor.start.remote(), echo.remote(1), echo.remote(2), large.remote(3)];
  calls.push(fail.remote(4), echo.remote(5), echo.remote(6));
  return { actor, calls };
}

/** Ends a thread at every `stride`th of its steps, from `first` on, until there are no more; returns how many ends that were. */
async function sweep(
  name: string,
  round: Round,
  { first, stride, broken }: { first: number; stride: number; broken: string[] },
): Promise<{ ends: number; steps: number }> {
  const session = await makeWorkers({ cpus: 1 });
  try {
    for (let steps = first, ends = 0; ; steps += stride) {
      const fuse = new Int32Array(new SharedArrayBuffer(12));
      const found = await round(fuse, steps);
      if (fuse[lit] === 0) found.push("nothing ran");
      found.push(...(await leftovers(session)));
      broken.push(...found.map((what) => `${name}, ended at step ${steps}: ${what}`));
      if (fuse[burnt] === 0 || broken.length > 20) return { ends, steps: fuse[made]! };
      ends += 1;
    }
  } finally {
    await session.close();
    setContext(undefined);
  }
}

/** What should not be there any more. */
async function leftovers(session: Session): Promise<string[]> {
  let found: string[] = [];
  // What threads say last may still be under way.
  for (let tries = 0; tries < 200; tries++) {
    const { free, ...left } = await session.load();
    found = Object.entries(left).flatMap(([what, amount]) => (amount === 0 ? [] : [`${amount} ${what} are left`]));
    if (free.cpus !== 10_000) found.push(`${free.cpus} units of CPU are free`);
    if (found.length === 0) return [];
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return found;
}

async function run({ seed, share }: RoomOptions): Promise<Outcome> {
  const stride = Math.max(1, Math.round(1 / share));
  const broken: string[] = [];
  const figures: string[] = [];
  for (const [name, round] of Object.entries({ tasks, once, "restarted actor": restarted, "mortal actor": mortal })) {
    const { ends, steps } = await sweep(name, round, { first: 1 + (seed % stride), stride, broken });
    figures.push(`${name}: ${ends} ends in ${steps} steps`);
  }
  return { figures: figures.join("; "), broken };
}

/** Real worker threads that end at each step of taking a call, running it, publishing its result and coming to rest. */
export const ends: Room = {
  name: "ends",
  bound:
    "a thread ended at every write that others see: nothing lost, wrong or there twice, all resources back, nothing left",
  run,
};
