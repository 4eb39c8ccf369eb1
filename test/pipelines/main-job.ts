import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The main job as `npm start` runs it, after the set-up. */
export interface MainJob {
  /** Put into the environment of every process of the job, so that orphans can be found. */
  readonly mark: string;
  /** Resolves with the first match of a line that it prints; rejects when it ends without. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** All it has printed. */
  output(): string;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with its exit code. */
  readonly gone: Promise<number | null>;
}

/** Starts the main job with the given options. */
export function startMainJob(...args: string[]): MainJob {
  const id = randomUUID();
  const child = spawn(process.execPath, ["dist/pipelines/battery/main.js", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, RAYFLIGHT_TEST: id },
  });
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      lines.push(line);
      for (const watcher of watchers) watcher(line);
    });
  }
  const gone = once(child, "close").then(([code]) => code as number | null);
  return {
    mark: `RAYFLIGHT_TEST=${id}`,
    output: () => lines.join("\n"),
    kill: (signal) => child.kill(signal),
    gone,
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (line: string) => {
          const match = pattern.exec(line);
          if (match === null) return;
          watchers.delete(look);
          resolve(match);
        };
        watchers.add(look);
        for (const line of lines) look(line);
        void gone.then((code) => reject(new Error(`The job ended with ${code}:\n${lines.join("\n")}`)));
      }),
  };
}
