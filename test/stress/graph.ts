import { RandomStream } from "../../src/random.js";
import { get, type ObjectRef, remote, setContext } from "../../src/tasks/index.js";
import { makeWorkers } from "../tasks/session.js";
import { Killer } from "./killer.js";
import type { Outcome, Room, RoomOptions } from "./room.js";

const fullTasks = 100_000;
const fullDeaths = 200;
/** A result is this many times the value, plus which attempt it is of. */
const attempts = 64;
const modulus = 1_000_003;

/** A task of the graph. Those of kind `parent` submit `children` tasks of their own, a chain and single ones. */
interface Node {
  readonly kind: "plain" | "two-cpus" | "gpu" | "parent";
  readonly microseconds: number;
  readonly inputs: readonly number[];
  readonly children: number;
  /** Whether it ends its own thread half-way, the first time. */
  readonly deadly: boolean;
}

/** A graph of `count` tasks, those that run inside of others counted. */
function makeGraph(random: RandomStream, count: number): Node[] {
  const nodes: Node[] = [];
  for (let left = count; left > 0; ) {
    const dice = random.integer(100);
    const children = dice < 6 ? Math.min(left - 1, 3 + random.integer(6)) : 0;
    const kind = children > 0 ? "parent" : dice < 8 ? "two-cpus" : dice < 10 ? "gpu" : "plain";
    const inputs = Array.from({ length: random.integer(4) }, () => {
      // Mostly young ones, so that much waits; some old.
      const back = random.integer(5) === 0 ? nodes.length : Math.min(nodes.length, 400);
      return nodes.length - 1 - random.integer(Math.max(1, back));
    }).filter((input) => input >= 0);
    const microseconds = 100 + random.integer(4900);
    nodes.push({ kind, microseconds, inputs, children, deadly: random.integer(2000) === 0 });
    left -= 1 + children;
  }
  return nodes;
}

/** What the functions write to and look at, on whichever thread they run. */
interface Ledger {
  readonly running: Int32Array;
  /** By task: how often it began, and which attempt's result was seen by whoever read one, from 1. */
  readonly begun: Int32Array;
  readonly seen: Int32Array;
  /** How many ended; how many ended their own thread; how many readers saw another attempt's result than the first reader did. */
  readonly counts: Int32Array;
}

function makeFunctions({ running, begun, seen, counts }: Ledger) {
  /** Runs as task `index`; returns its result. `children` are values of tasks that it submitted. */
  const compute = (index: number, microseconds: number, deadly: boolean, results: readonly number[]): number => {
    const { threadId } = process.getBuiltinModule("node:worker_threads");
    const attempt = Atomics.add(begun, index, 1);
    Atomics.store(running, threadId, index + 1);
    let value = index;
    const until = performance.now() + microseconds / 1000;
    for (let i = 0; i < results.length; i++) value = (value * 31 + Math.floor(results[i]! / 64)) % 1_000_003;
    const half = until - microseconds / 2000;
    while (performance.now() < half);
    if (deadly && attempt === 0) {
      Atomics.add(counts, 1, 1);
      process.exit(1);
    }
    while (performance.now() < until);
    Atomics.store(running, threadId, 0);
    return value * 64 + attempt;
  };
  /** Whoever reads a result says which attempt's it is: all must have seen the same. */
  const read = (index: number, result: number): void => {
    const attempt = (result % 64) + 1;
    const before = Atomics.compareExchange(seen, index, 0, attempt);
    if (before !== 0 && before !== attempt) Atomics.add(counts, 2, 1);
  };
  const plain = remote(
    (index: number, microseconds: number, deadly: boolean, inputs: string, ...results: number[]): number => {
      inputs.split(" ").forEach((input, i) => {
        if (input !== "") read(Number(input), results[i]!);
      });
      const result = compute(index, microseconds, deadly, results);
      Atomics.add(counts, 0, 1);
      return result;
    },
    { name: "task", maxRetries: -1 },
  );
  const parent = remote(
    async (
      index: number,
      microseconds: number,
      deadly: boolean,
      children: number,
      first: number,
      ...results: number[]
    ): Promise<number> => {
      const refs: ObjectRef<number>[] = [];
      for (let child = 0; child < children; child++) {
        const before = child % 3 === 0 ? [] : [refs.at(-1)!];
        refs.push(plain.remote(first + child, microseconds / 2, false, "", ...before));
      }
      const values = await get(refs);
      for (const ref of refs) ref[Symbol.dispose]();
      const result = compute(index, microseconds, deadly, [...results, ...values]);
      Atomics.add(counts, 0, 1);
      return result;
    },
    { name: "parent", maxRetries: -1 },
  );
  return { plain, parent, read };
}

/** The values that a graph must come to, in the order of its tasks. */
function evaluate(graph: readonly Node[]): number[] {
  const mix = (index: number, inputs: readonly number[]) =>
    inputs.reduce((value, input) => (value * 31 + input) % modulus, index);
  const values: number[] = [];
  let next = graph.length;
  graph.forEach(({ inputs, children }, index) => {
    const made: number[] = [];
    for (let child = 0; child < children; child++) made.push(mix(next + child, child % 3 === 0 ? [] : [made.at(-1)!]));
    next += children;
    values.push(mix(index, [...inputs.map((input) => values[input]!), ...made]));
  });
  return values;
}

async function run({ seed, share }: RoomOptions): Promise<Outcome> {
  const random = new RandomStream(seed, "stress");
  const count = Math.ceil(fullTasks * share);
  const deaths = Math.ceil(fullDeaths * share);
  const graph = makeGraph(random, count);
  const session = await makeWorkers({ cpus: 2, gpus: 2 });
  const broken: string[] = [];
  const check = (holds: boolean, what: string) => {
    if (!holds) broken.push(what);
  };
  try {
    const killer = new Killer(session, random);
    const shared = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length));
    const ledger = { running: killer.running, begun: shared(count), seen: shared(count), counts: shared(3) };
    const { plain, parent, read } = makeFunctions(ledger);
    const functions = {
      plain,
      "two-cpus": plain.options({ numCpus: 2 }),
      gpu: plain.options({ numGpus: 1 }),
    };
    let next = graph.length;
    const refs: ObjectRef<number>[] = [];
    graph.forEach(({ kind, microseconds, inputs, children, deadly }, index) => {
      const args = inputs.map((input) => refs[input]!);
      refs.push(
        kind === "parent"
          ? parent.remote(index, microseconds, deadly, children, next, ...args)
          : functions[kind].remote(index, microseconds, deadly, inputs.join(" "), ...args),
      );
      next += children;
    });

    let done = false;
    const strikes = (async () => {
      while (!done && killer.busy < deaths) {
        // In step with the work, so that the ends are spread over all of it.
        const due = (deaths * ledger.counts[0]!) / (0.97 * count);
        if (killer.busy >= due || !(await killer.strike())) await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    const results = await get(refs);
    done = true;
    await strikes;

    const wrong = evaluate(graph).filter((value, index) => Math.floor(results[index]! / attempts) !== value).length;
    check(wrong === 0, `${wrong} results are wrong`);
    results.forEach((result, index) => {
      read(index, result);
    });
    check(ledger.counts[2] === 0, `${ledger.counts[2]} readers saw another attempt's result`);
    const missing = ledger.begun.filter((times) => times === 0).length;
    check(missing === 0, `${missing} tasks never ran`);
    check(killer.busy >= deaths, `only ${killer.busy} ends hit a busy worker`);
    for (const ref of refs) ref[Symbol.dispose]();
    const load = await session.load();
    const { free, ...left } = load;
    check(free.cpus === 20_000 && free.gpus === 20_000, `not all resources are back: ${JSON.stringify(free)}`);
    for (const [what, amount] of Object.entries(left)) check(amount === 0, `${amount} ${what} are left`);
    const again = ledger.begun.reduce((sum, times) => sum + times, 0) - count;
    return {
      figures:
        `${count} tasks, ${count - graph.length} of them inside of others; ${killer.busy} threads ended in a running ` +
        `task, ${ledger.counts[1]} by their task, ${killer.idle} between tasks; ${again} runs repeated`,
      broken,
    };
  } finally {
    await session.close();
    setContext(undefined);
  }
}

/** A graph of tasks with dependencies, from the driver and inside of tasks, while workers die. */
export const graph: Room = {
  name: "graph",
  bound:
    "100,000 tasks of 0.1 to 5 ms and 200 ends of busy workers: nothing lost, wrong or seen twice, all resources back, nothing left",
  run,
};
