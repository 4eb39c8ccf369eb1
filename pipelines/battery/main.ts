/**
 * The main job, from raw CSVs to a scored controller: Spark prepares, Flight carries, actors learn, Spark reports.
 *
 *     npm start
 *     npm start -- --small
 *
 * Exits with 1 when the learned controller does not beat the basic battery rule.
 */
import { parseArgs } from "node:util";
import * as ray from "rayflight";
import { runSpark } from "./spark.js";
import { defaults, train } from "./train.js";

const help = `npm start -- [options]: batteries of real houses, end to end

  --seed N        seed of the training (default ${defaults.seed})
  --updates N     policy updates (default ${defaults.updates})
  --workers N     rollout actors, each on a thread of its own (default ${defaults.workers})
  --device NAME   where policy and update run: cpu or gpu (default cpu)
  --run NAME      name of the run, under battery/runs (default latest)
  --master URL    Spark master (default local[*])
  --port N        port of the Flight endpoint (default: a free one)
  --out FOLDER    where the plots go (default out/battery)
  --json FILE     writes the scores as JSON, too
  --small         a few updates: every step of the path, but the controller need not beat the rule
  --stay          keeps the endpoint when done, for a notebook, until Ctrl-C
  --help
`;

const smallUpdates = 3;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(defaults.seed) },
    updates: { type: "string" },
    workers: { type: "string", default: String(defaults.workers) },
    device: { type: "string", default: "cpu" },
    run: { type: "string", default: "latest" },
    master: { type: "string", default: "local[*]" },
    port: { type: "string", default: "0" },
    out: { type: "string", default: "out/battery" },
    json: { type: "string" },
    small: { type: "boolean", default: false },
    stay: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

/** A whole number from an option, or exit with 2. */
function count(name: "seed" | "updates" | "workers" | "port", text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
  process.stderr.write(`--${name} is "${text}". Give a whole number from 0.\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
if (values.device !== "cpu" && values.device !== "gpu") {
  process.stderr.write(`--device is "${values.device}". Give cpu or gpu.\n`);
  process.exit(2);
}

const options = {
  seed: count("seed", values.seed),
  updates: count("updates", values.updates ?? String(values.small ? smallUpdates : defaults.updates)),
  workers: count("workers", values.workers),
  device: values.device,
  run: values.run,
} as const;

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    if (interrupted.signal.aborted) process.exit(130);
    process.stderr.write(`\n${name}: stopping Spark and the workers; again to stop at once\n`);
    interrupted.abort(new Error(`Stopped by ${name}.`));
  });
}

/** Runs `job` with a signal that aborts on Ctrl-C and when another step of the same job has failed. */
async function together(steps: ((signal: AbortSignal) => Promise<unknown>)[]): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([interrupted.signal, failed.signal]);
  const running = steps.map((step) =>
    step(signal).catch((reason: unknown) => {
      failed.abort(reason);
      throw reason;
    }),
  );
  await Promise.allSettled(running);
  signal.throwIfAborted();
}

async function main(): Promise<number> {
  const port = count("port", values.port);
  const node = await ray.init({ port, numCpus: Math.max(options.workers, 1), keepAlive: values.stay });
  try {
    process.stdout.write(`endpoint ${node.uri}\n`);
    const spark = ["--uri", node.uri, "--master", values.master];
    await together([
      async (signal) => {
        const code = await runSpark("prepare.py", spark, signal);
        if (code !== 0) throw new Error(`prepare.py exited with ${code}. Its last lines above say why.`);
      },
      (signal) => train({ ...options, signal }),
    ]);
    const report = [...spark, "--run", options.run, "--out", values.out];
    if (values.json !== undefined) report.push("--json", values.json);
    if (values.small) report.push("--no-verdict");
    const code = await runSpark("report.py", report, interrupted.signal);
    if (values.stay && !interrupted.signal.aborted) {
      process.stdout.write(`results stay at ${node.uri}; Ctrl-C to end\n`);
      await new Promise((resolve) => interrupted.signal.addEventListener("abort", resolve, { once: true }));
    }
    return code;
  } finally {
    await node.close();
  }
}

try {
  process.exitCode = await main();
} catch (reason) {
  const message = reason instanceof Error ? reason.message : String(reason);
  process.stderr.write(`npm start: ${message}\n`);
  process.exitCode = interrupted.signal.aborted ? 130 : 1;
}
