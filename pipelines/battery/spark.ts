import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The clone this file was built in. */
export const root = fileURLToPath(new URL("../../../", import.meta.url));

const python = `${root}.venv/bin/python`;

/** How long a Spark program may take to abort its job and stop its JVM before it is killed. */
const graceMs = 15_000;

/**
 * Runs one of the battery's Spark programs, `prepare.py` or `report.py`, with its output on this terminal.
 *
 * Resolves with its exit code. When `signal` aborts, the program gets Ctrl-C, so that Spark aborts its job; what is
 * left of its process group after a grace is killed, and the promise rejects with the signal's reason.
 */
export async function runSpark(program: string, args: readonly string[], signal: AbortSignal): Promise<number> {
  if (!existsSync(python)) throw new Error(`${python} is missing. Run npm start, which makes the Python environment.`);
  signal.throwIfAborted();
  const child = spawn(python, [`${root}pipelines/battery/${program}`, ...args], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    detached: true,
    env: { ...process.env, PYTHONUNBUFFERED: "1" },
  });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const stop = () => void interrupt(child, exited);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const [code, killedBy] = await exited;
    signal.throwIfAborted();
    if (code === null) throw new Error(`${program} was ended by ${killedBy}. Its last lines above say why.`);
    return code;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function interrupt(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  signalGroup(child, "SIGINT");
  const timer = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
  await exited;
  clearTimeout(timer);
  signalGroup(child, "SIGKILL");
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, name);
  } catch {
    // The group has ended already.
  }
}
