import { setTimeout as sleep } from "node:timers/promises";
import { get, getRuntimeContext, put, remote } from "../../src/tasks/index.js";

/** Where the log says how often the actor's own code got what it asked for, and did not, and how often calls were told to answer. */
export const asked = 0;
export const refused = 1;
export const told = 2;
/** How much of what went on has ended. */
export const ended = 3;

const add = remote((a: number, b: number) => a + b);

/** Goes on, though nothing in this text says so: asks again and again, until calls were told twice. */
export function keepAsking(log: Int32Array): void {
  void loop(log);
}

/** Where it runs, once it was told so `times`. */
export function askWhenTold(log: Int32Array, times: number) {
  return answer(log, times);
}

async function loop(log: Int32Array): Promise<void> {
  while (Atomics.load(log, told) !== 2) {
    await sleep(2);
    try {
      await get(add.remote(1, 2));
      Atomics.add(log, asked, 1);
    } catch {
      Atomics.add(log, refused, 1);
    }
  }
  Atomics.add(log, ended, 1);
}

async function answer(log: Int32Array, times: number) {
  while (Atomics.load(log, told) < times) await sleep(2);
  try {
    await get(put(1));
    const { taskName, taskId } = getRuntimeContext();
    return { taskName, taskId };
  } finally {
    Atomics.add(log, ended, 1);
  }
}
