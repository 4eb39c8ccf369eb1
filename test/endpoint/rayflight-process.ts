import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** `rayflight start` as a user runs it: a process of its own. */
export interface RayflightProcess {
  readonly uri: string;
  readonly child: ChildProcess;
  /** Resolves once it has printed a line that matches. */
  printed(pattern: RegExp): Promise<void>;
  /** Resolves with the exit code and signal once the process is gone. */
  readonly gone: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  /** Sends a signal, SIGTERM by default, to a process that still runs, and waits until it is gone. */
  end(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Starts an endpoint on a free port and resolves once it listens. */
export async function startRayflight(...args: string[]): Promise<RayflightProcess> {
  const child = spawn(process.execPath, ["dist/bridge/cli/main.js", "start", "--port", "0", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: string[] = [];
  const watchers = new Set<() => void>();
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  child.stderr.setEncoding("utf8").on("data", (text: string) => lines.push(text));
  const uri = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(`${line}\n`);
      for (const watcher of watchers) watcher();
      const found = /listens on (\S+)/.exec(line);
      if (found !== null) resolve(found[1]!);
    });
    exited.then(([code]) => reject(new Error(`rayflight start exited with ${code}: ${lines.join("")}`)), reject);
  });
  return {
    uri,
    child,
    printed: (pattern) =>
      new Promise((resolve) => {
        const look = () => {
          if (!lines.some((line) => pattern.test(line))) return;
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      }),
    gone: exited.then(([code, signal]) => ({ code, signal })),
    async end(signal = "SIGTERM") {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      const [code, by] = await exited;
      return { code, signal: by };
    },
  };
}
