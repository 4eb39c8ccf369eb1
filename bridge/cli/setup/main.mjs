import { join, resolve } from "node:path";
import { build } from "./build.mjs";
import { interrupt } from "./command.mjs";
import { houses } from "./data.mjs";
import { environment } from "./environment.mjs";
import { Interrupted, SetupError } from "./error.mjs";
import { findJava } from "./java.mjs";
import { takeLock } from "./lock.mjs";
import { nodeModules } from "./node-modules.mjs";
import { createProgress } from "./progress.mjs";
import { findPython } from "./python.mjs";
import { sparkJava } from "./spark-java.mjs";

const help = `Sets up this clone: npm packages, build, a Python environment in .venv, the houses' data in .data.

  node bridge/cli/setup.mjs main    what npm start needs
  node bridge/cli/setup.mjs test    what npm test needs

Needs Node >= 20.19, Java 17 or 21, Python 3.10 to 3.13. JAVA_HOME and RAYFLIGHT_PYTHON choose among several.
What is done already is not done again. To start over, delete .venv, .data, .cache, node_modules and dist.
`;

/** Runs the set-up; the exit code says how it went: 0, 1 for a failure, 128 + signal when interrupted. */
export async function main([goal = "main"]) {
  if (goal === "--help" || goal === "-h") {
    process.stdout.write(help);
    return;
  }
  const root = resolve(import.meta.dirname, "../../..");
  const progress = createProgress();
  const stopped = new AbortController();
  for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
    process.on(signal, () => {
      process.exitCode = 128 + number;
      interrupt();
      stopped.abort();
    });
  }
  try {
    if (process.platform === "win32")
      throw new SetupError("rayflight runs on Linux and macOS.", "On Windows, use WSL.");
    if (goal !== "main" && goal !== "test") throw new SetupError(`There is no set-up "${goal}".`, help);
    await setUp(root, goal, progress, stopped.signal);
    progress.end();
  } catch (reason) {
    if (reason instanceof Interrupted || stopped.signal.aborted) {
      progress.say("Set-up interrupted. What was finished is kept; the next run does the rest.");
      process.exitCode ??= 130;
    } else if (reason instanceof SetupError) {
      progress.say(`\n${reason.message}\n\n${reason.hint}`);
      process.exitCode = 1;
    } else throw reason;
  }
  process.exit();
}

async function setUp(root, goal, progress, signal) {
  const python = environment(root);
  const java = findPrograms(python);
  const chains = [
    [nodeModules(root, "npm packages"), build(root), ...(goal === "test" ? [notebookKernel(root)] : [])],
    [
      python.main,
      ...(goal === "test" ? [python.test] : []),
      python.connector,
      sparkJava(java, python),
      houses(root, python),
    ],
  ];
  if (chains.flat().every((step) => step.isDone())) return;

  const unlock = await takeLock(join(root, ".cache/setup/lock"), {
    signal,
    onWait: (pid) => progress.say(`Another set-up of this clone is running (process ${pid}); waiting for it.`),
  });
  try {
    await doAll(chains, progress);
  } finally {
    python.tidy();
    unlock();
  }
}

/** Finds Java, and Python where an environment is still to be made; says of both at once what is missing. */
function findPrograms(python) {
  const missing = [];
  const attempt = (find) => {
    try {
      return find();
    } catch (reason) {
      if (!(reason instanceof SetupError)) throw reason;
      missing.push(`${reason.message}\n${reason.hint}`);
    }
  };
  const java = attempt(() => findJava());
  if (python.about() === undefined) attempt(() => findPython());
  if (missing.length > 0) throw new SetupError(missing.join("\n\n"), "Then run the command again.");
  return java;
}

/** tslab, in a folder of its own: it brings an older TypeScript, which must not stand in for the project's. */
function notebookKernel(root) {
  return nodeModules(join(root, "notebooks"), "TypeScript kernel of the notebooks");
}

/**
 * Does the steps of several chains, each chain in its order. After a failure no further step is begun, but what is
 * under way may finish, for the next run. Rejects with the first failure.
 */
async function doAll(chains, progress) {
  let failure;
  await Promise.all(
    chains.map(async (steps) => {
      for (const step of steps) {
        if (failure !== undefined || step.isDone()) continue;
        try {
          await progress.doing(step.name, () => step.run());
        } catch (reason) {
          failure ??= reason;
        }
      }
    }),
  );
  if (failure !== undefined) throw failure;
}
