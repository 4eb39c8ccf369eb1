import { spawn } from "node:child_process";
import { once } from "node:events";

/** A program of the project's Python environment that runs. */
export interface PythonProgram {
  /** Resolves once it has printed a line; rejects when it ends without. */
  readonly firstLine: Promise<void>;
  /** Resolves with all that it printed once it has ended; rejects with its stderr when it fails. */
  readonly output: Promise<string>;
}

/** Starts a program of the project's Python environment. */
export function startPython(program: string, ...args: string[]): PythonProgram {
  const child = spawn(".venv/bin/python", [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const output = once(child, "close").then(([code]) => {
    if (code !== 0) throw new Error(`${program} exited with ${code}:\n${err}`);
    return out;
  });
  const firstLine = new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
      if (out.includes("\n")) resolve();
    });
    output.then(() => reject(new Error(`${program} ended without a word.`)), reject);
  });
  firstLine.catch(() => undefined);
  return { firstLine, output };
}

/** Runs a program of the project's Python environment and resolves with what it printed; rejects with its stderr when it fails. */
export function runPython(program: string, ...args: string[]): Promise<string> {
  return startPython(program, ...args).output;
}
