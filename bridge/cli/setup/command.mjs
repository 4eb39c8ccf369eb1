import { spawn } from "node:child_process";
import { Interrupted, SetupError } from "./error.mjs";

const running = new Set();
let interrupted = false;

/**
 * Runs a program to its end, in silence, and resolves with what it printed. A failure rejects with the last lines of
 * its output. Every program is the leader of a process group, so that an interruption reaches its children, too.
 */
export function run(program, args, { cwd, env, what }) {
  if (interrupted) return Promise.reject(new Interrupted());
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    running.add(child);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        output = (output + text).slice(-1_000_000);
      });
    }
    child.on("error", (reason) => {
      running.delete(child);
      reject(
        new SetupError(`${what} could not start ${program}: ${reason.message}.`, "Install it, or put it on PATH."),
      );
    });
    child.on("close", (code, signal) => {
      running.delete(child);
      if (interrupted) reject(new Interrupted());
      else if (code === 0) resolve(output);
      else reject(failure(what, [program, ...args], code, signal, output));
    });
  });
}

/** Ends all running programs and their children, by force after five seconds; no new one can be started. */
export function interrupt() {
  interrupted = true;
  signalAll("SIGTERM");
  setTimeout(() => signalAll("SIGKILL"), 5000).unref();
}

function signalAll(signal) {
  for (const child of running) {
    try {
      process.kill(-child.pid, signal);
    } catch (reason) {
      if (reason.code !== "ESRCH") throw reason;
    }
  }
}

function failure(what, command, code, signal, output) {
  const lines = output.trim().split("\n");
  const told = lines.length <= 40 ? lines : [...lines.slice(0, 12), "…", ...lines.slice(-28)];
  const ending = signal ?? `exit code ${code}`;
  const message = `${what} failed (${ending}): ${command.join(" ")}\n${told.join("\n")}`;
  return new SetupError(message, hintFor(output), { exited: code !== null });
}

function hintFor(output) {
  if (/ENOSPC|No space left/i.test(output)) return "The disk is full: free about 2 GB, then run the command again.";
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|name resolution|Failed to establish a new connection/i.test(output)) {
    return "The package registry was not reached: check the network, or the proxy and registry settings of npm and pip.";
  }
  if (/EACCES|Permission denied/i.test(output))
    return "This folder, or a cache of npm or pip, belongs to another user.";
  return "The lines above are the program's own. Once the cause is gone, run the command again: finished steps are kept.";
}
