import { spawn } from "node:child_process";
import { once } from "node:events";

/** Runs a program of the project's Python environment and resolves with what it printed; rejects with its stderr when it fails. */
export async function runPython(program: string, ...args: string[]): Promise<string> {
  const child = spawn(".venv/bin/python", [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${program} exited with ${code}:\n${err}`);
  return out;
}
