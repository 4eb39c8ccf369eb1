import { parseArgs } from "node:util";

const help = `node dist/pipelines/ray/evolution-strategies.js [options]

  --workers N       actors, and simulations of an iteration (default 50)
  --iterations N    updates of the policy (default 200)
  --hosted KIND     alone: every actor has a thread of its own (default); shared: they share as many as there are CPUs
  --seed N          names all that is random (default 1)
  --json            one line of JSON at the end in place of the progress
  --help

Prints the mean reward of the iterations' simulations. Exits with 1 when the policy it ends with does not reach 475 over 100
episodes, which is when CartPole counts as solved.
`;

/** What came of it. */
export interface Conclusion {
  readonly seconds: number;
  readonly simulations: number;
  /** The first iteration, from 1, whose simulations reached 475 on average. */
  readonly solvedAt: number | null;
  /** Of the last policy, over 100 episodes. */
  readonly reward: number;
  readonly solved: boolean;
}

/** What the command line says, and how progress is told. Ends the program for --help, and with 2 for what makes no sense. */
export function readOptions() {
  const { values } = parseArgs({
    options: {
      workers: { type: "string", default: "50" },
      iterations: { type: "string", default: "200" },
      hosted: { type: "string", default: "alone" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    process.exit(0);
  }
  const { hosted, json } = values;
  if (hosted !== "alone" && hosted !== "shared") return refuse(`--hosted is "${hosted}". Give alone or shared.`);
  const count = (name: "workers" | "iterations" | "seed", least: number): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    return refuse(`--${name} is "${values[name]}". Give a whole number from ${least}.`);
  };
  const [workerCount, iterations, seed] = [count("workers", 2), count("iterations", 1), count("seed", 0)];

  function progress(done: number, mean: number): void {
    if (json || (done % 10 !== 0 && done !== iterations)) return;
    process.stdout.write(`iteration ${String(done).padStart(4)} of ${iterations}  mean reward ${mean.toFixed(1)}\n`);
  }
  function conclude(conclusion: Conclusion): void {
    const { seconds, simulations, solvedAt, reward, solved } = conclusion;
    process.exitCode = solved ? 0 : 1;
    const reached = solvedAt === null ? "never" : `in iteration ${solvedAt}`;
    const text =
      `${simulations} simulations in ${seconds.toFixed(2)} s; the mean reached 475 ${reached}; ` +
      `the policy earns ${reward.toFixed(1)} of 500 over 100 episodes`;
    process.stdout.write(`${json ? JSON.stringify(conclusion) : text}\n`);
  }
  return { workerCount, iterations, hosted, seed, progress, conclude } as const;
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}
