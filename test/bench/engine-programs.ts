import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type BenchRow, compare, measure, type RoomOptions } from "./measure.js";
import { rayGives } from "./ray-peer.js";

const run = promisify(execFile);
const figure = "Evolution Strategies: 50 actors, 200 iterations, each simulation an actor call";

interface Learned {
  readonly seconds: number;
  readonly solvedAt: number | null;
  readonly reward: number;
}

/**
 * The programs of pipelines/ray. Those whose results are the same in Python are compared; both that learn are timed from the first
 * iteration to the last, with all actors up, and must have learned. `python` has Ray; without it, ours are measured alone.
 */
export async function* programRows(
  python: string | undefined,
  { rounds, wanted }: RoomOptions,
): AsyncGenerator<BenchRow> {
  for (const hosted of ["shared", "alone"] as const) {
    const name = `${figure}, ${hosted === "shared" ? "actors on two threads" : "actors on threads of their own"}`;
    if (!wanted(name)) continue;
    let round = 0;
    const ours = () =>
      learn(process.execPath, ["dist/pipelines/ray/evolution-strategies.js", "--hosted", hosted], ++round);
    if (python === undefined) {
      yield await measure({ name, unit: "s", target: 3, rounds, smallerIsBetter: true, ours });
      continue;
    }
    yield await compare({
      name,
      unit: "s",
      peer: "Python Ray, the same program",
      peer_gives: rayGives,
      target: 12,
      rounds: Math.min(rounds, 3),
      smallerIsBetter: true,
      ours,
      peers: () => learn(python, ["pipelines/ray/evolution_strategies.py", "--cpus", "2"], round),
    });
  }
}

/** Throws when a program prints another thing than its twin in Python. */
export async function compareOutputs(python: string): Promise<void> {
  for (const program of ["dot", "counter", "gpus"]) {
    const [ours, theirs] = [
      await lastLine(process.execPath, [`dist/pipelines/ray/${program}.js`]),
      await lastLine(python, [`pipelines/ray/${program}.py`]),
    ].map((line) => JSON.stringify(JSON.parse(line)));
    if (ours !== theirs) throw new Error(`${program} prints ${ours}, and ${theirs} in Python.`);
  }
}

async function learn(program: string, args: readonly string[], seed: number): Promise<number> {
  const line = await lastLine(program, [...args, "--seed", String(seed), "--json"]);
  const { seconds, solvedAt, reward } = JSON.parse(line) as Learned;
  if (solvedAt === null || reward < 475) throw new Error(`${args[0]} did not learn: ${line}`);
  return seconds;
}

/** What a program says at its end; Ray's own processes may have printed before. */
async function lastLine(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await run(program, args, { maxBuffer: 1 << 24 });
  const line = stdout.split("\n").findLast((one) => /^[[{]/.test(one));
  if (line === undefined) throw new Error(`${args[0]} printed no result.`);
  return line;
}
