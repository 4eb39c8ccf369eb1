/**
 * How much of a score is luck: trains from several seeds on one preparation and prints each score and the medians.
 *
 *     npm run seeds                   # seeds 1 to 5, about six minutes on two cores
 *     npm run seeds -- --seeds 3
 *
 * Exits with 1 when a median on phase 1, or on phase 2, which it never saw, is above 0.86.
 */
import { parseArgs } from "node:util";
import * as ray from "rayflight";
import { runSpark } from "./spark.js";
import { defaults, type TrainResult, train } from "./train.js";

const bar = 0.86;
const judgedPhases = [1, 2];
const phases = [1, 2, 3];

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "5" },
    updates: { type: "string", default: String(defaults.updates) },
    workers: { type: "string", default: String(defaults.workers) },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  process.stdout.write("npm run seeds -- [--seeds N] [--updates N] [--workers N]: trains from seeds 1 to N\n");
  process.exit(0);
}

const [seeds, updates, workers] = [Number(values.seeds), Number(values.updates), Number(values.workers)];
if (![seeds, updates, workers].every((value) => Number.isSafeInteger(value) && value > 0)) {
  process.stderr.write("npm run seeds: --seeds, --updates and --workers are whole numbers from 1.\n");
  process.exit(2);
}

const interrupted = new AbortController();
const { signal } = interrupted;
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupted.abort(new Error(`Stopped by ${name}.`)));
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function line(name: string, scores: readonly number[], rest: string): string {
  return `${name.padEnd(8)} ${scores.map((score) => score.toFixed(4).padStart(8)).join(" ")}  ${rest}\n`;
}

async function main(): Promise<number> {
  await using node = await ray.init({ numCpus: workers });
  const code = await runSpark("prepare.py", ["--uri", node.uri], signal);
  if (code !== 0) throw new Error(`prepare.py exited with ${code}. Its last lines above say why.`);
  const results: TrainResult[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    results.push(await train({ ...defaults, seed, updates, workers, run: `seed-${seed}`, signal }));
  }
  const scoreOf = (result: TrainResult, phase: number) => result.scores[phase]!.score;
  process.stdout.write("\nseed      phase 1  phase 2  phase 3  seconds\n");
  for (const [i, result] of results.entries()) {
    const scores = phases.map((phase) => scoreOf(result, phase));
    process.stdout.write(line(String(i + 1), scores, result.seconds.toFixed(1).padStart(6)));
  }
  const medians = phases.map((phase) => median(results.map((result) => scoreOf(result, phase))));
  process.stdout.write(
    line(
      "median",
      medians,
      median(results.map(({ seconds }) => seconds))
        .toFixed(1)
        .padStart(6),
    ),
  );
  return judgedPhases.every((phase) => medians[phase - 1]! <= bar) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (reason) {
  process.stderr.write(`npm run seeds: ${reason instanceof Error ? reason.message : String(reason)}\n`);
  process.exitCode = signal.aborted ? 130 : 1;
}
