import { get, type ObjectRef, remote } from "../../bridge/node.js";
import { RandomStream } from "../../src/random.js";

/** Computes for so many rounds, always as long; returns a number that depends on all of them, so that none is left out. */
function spin(rounds: number): number {
  let word = 1;
  for (let i = 0; i < rounds; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
  }
  return word & 1;
}

/** Computes, and returns its number. The second argument only has to be there first. */
const work = remote((number: number, _after: number, rounds: number): number => number + 0 * spin(rounds));

/** A task that submits tasks, and needs what they return. */
const parent = remote(async (numbers: readonly number[], rounds: readonly number[]): Promise<number> => {
  const values = await get(numbers.map((number, i) => work.remote(number, 0, rounds[i]!)));
  return values.reduce((sum, value) => sum + value, 0);
});

/**
 * Rounds that a worker makes in a millisecond of its own, while its neighbour computes, too: the median of 200 times, as the
 * best of them is a speed that no core keeps.
 */
const calibrate = remote((): number => {
  const count = 2_000_000;
  const speeds = Array.from({ length: 200 }, () => {
    const began = performance.now();
    spin(count);
    return count / (performance.now() - began);
  });
  return speeds.sort((a, b) => a - b)[100]!;
});

async function speedOfBoth(): Promise<number> {
  return Math.min(...(await get([calibrate.remote(), calibrate.remote()])));
}

/**
 * Runs a graph of tasks whose lengths are log-uniform between a microsecond and ten milliseconds: a third is submitted inside
 * of tasks, a third waits for another's result. Resolves with the share of two cores' time that the tasks computed, by what
 * their computations take by themselves: neither spinning nor what the cores give to others counts. Rejects when a result is wrong.
 */
export async function graphEfficiency(tasks: number, seed: number): Promise<number> {
  const random = new RandomStream(seed, "dynamic graph");
  const speed = await speedOfBoth();
  let rounds = 0;
  const draw = (): number => {
    const length = Math.round(0.001 * 10_000 ** random.next() * speed);
    rounds += length;
    return length;
  };
  const refs: ObjectRef<number>[] = [];
  let submitted = 0;
  const began = performance.now();
  while (submitted < tasks) {
    const kind = random.integer(12);
    if (kind === 0) {
      const numbers = Array.from({ length: Math.min(4, tasks - submitted) }, (_, i) => submitted + i);
      submitted += numbers.length;
      refs.push(parent.remote(numbers, numbers.map(draw)));
    } else {
      const after = kind <= 4 && refs.length > 0 ? refs[random.integer(refs.length)]! : 0;
      refs.push(work.remote(submitted++, after, draw()));
    }
  }
  const values = await get(refs);
  const wall = performance.now() - began;
  const sum = values.reduce((total, value) => total + value, 0);
  if (sum !== (tasks * (tasks - 1)) / 2) throw new Error("A result of the graph is wrong.");
  // By the faster of before and after: what the tasks took is rather said to be less.
  return rounds / Math.max(speed, await speedOfBoth()) / (2 * wall);
}
