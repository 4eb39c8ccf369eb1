import { parseArgs } from "node:util";
import { RandomStream } from "../../src/random.js";
import { playWaking } from "./rings/waking.js";
import { simulate } from "./simulator.js";
import { playStoring } from "./storing.js";

const help = `npm run simulate -- [options]: the engine's decisions in millions of random orders

Each seed is one history, which replays bit for bit. When a promise is broken, the command says which, how to replay that seed alone,
and ends with 1. The bugs of test/tasks/planted-bugs.ts are found by the same simulations (npx ava dist/test/tasks/planted-bugs.test.js).

  --world NAME     scheduler: submissions, ends, deaths, waits, cancels, permits, references, on the real scheduler and object table;
                   waking: boards, rings, bells and permits, with threads interleaved and ended at each operation on shared memory;
                   storing: the store, its loans, lineage and spilling, with a disk that is slow, full or loses something;
                   all of them when it is left out
  --seed N         the first seed (default 1)
  --seeds N        how many (default 10000)
  --log            print what happens, of the scheduler's and the store's world
  --help
`;

const { values } = parseArgs({
  options: {
    world: { type: "string" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "10000" },
    log: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const note = values.log ? (line: string) => process.stdout.write(`${line}\n`) : undefined;
/** Each plays one seed and returns how many steps that were. */
const worlds: Record<string, (seed: number) => number | Promise<number>> = {
  scheduler: (seed) => simulate(new RandomStream("scheduler", seed), undefined, note).steps,
  waking: (seed) => playWaking(seed, 400).steps,
  storing: async (seed) => (await playStoring(seed, 200, undefined, note)).steps,
};

if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const names = values.world === undefined ? Object.keys(worlds) : [values.world];
for (const name of names) {
  const world = worlds[name];
  if (world === undefined) {
    process.stderr.write(`There is no world ${name}; --help names them.\n`);
    process.exit(2);
  }
  const began = performance.now();
  const first = Number(values.seed);
  const last = first + Number(values.seeds) - 1;
  let steps = 0;
  for (let seed = first; seed <= last; seed++) {
    try {
      steps += await world(seed);
    } catch (reason) {
      process.stdout.write(
        `${name}, seed ${seed}: ${(reason as Error).message}\n` +
          `Replay it: npm run simulate -- --world ${name} --seed ${seed} --seeds 1${name === "waking" ? "" : " --log"}\n`,
      );
      process.exit(1);
    }
  }
  const seconds = (performance.now() - began) / 1000;
  process.stdout.write(
    `${name}: seeds ${first} to ${last}, ${steps} steps in ${seconds.toFixed(1)} s, every promise kept\n`,
  );
}
process.exit(0);
