import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { type LineProcess, startProcess } from "./line-process.js";

const run = promisify(execFile);
const folder = ".cache/ray-peer";
const requirements = "test/bench/requirements-ray.txt";

/** What a ratio to Ray leaves out. */
export const rayGives =
  "Ray runs Python, in processes: one that crashes in native code takes no other with it, memory and environment are its own, and the same program runs on many machines";

/** The Python of an environment that has Ray, made at the first call; or why there is none. */
export async function rayPython(): Promise<{ python: string } | { missing: string }> {
  const python = `${folder}/bin/python`;
  const ready = `${folder}/ready`;
  const wanted = readFileSync(requirements, "utf8");
  if (existsSync(ready) && readFileSync(ready, "utf8") === wanted) return { python };
  process.stderr.write(`Installing Ray's Python package into ${folder}, as ${requirements} says.\n`);
  try {
    await run("python3", ["-m", "venv", "--clear", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements]);
  } catch (reason) {
    const last = (reason as Error).message.trim().split("\n").at(-1);
    return { missing: `Ray could not be installed, which needs Python 3.10 to 3.13 and a package index: ${last}` };
  }
  writeFileSync(ready, wanted);
  return { python };
}

/** Python Ray with two CPUs in a process of its own, which measures what it is asked for. */
export class RayPeer {
  readonly #process: LineProcess;

  private constructor(process: LineProcess) {
    this.#process = process;
  }

  /** Starts Ray; resolves once its workers are up. */
  static async start(python: string): Promise<RayPeer> {
    const peer = new RayPeer(startProcess(python, ["test/bench/programs/ray_peer.py"]));
    await peer.#answer();
    return peer;
  }

  /** Measures a figure once, in the unit that it has on our side, too. */
  async measure(figure: string): Promise<number> {
    this.#process.write(figure);
    return Number(await this.#answer());
  }

  /** Ends Ray with all of its processes. */
  async end(): Promise<void> {
    this.#process.write("end");
    await this.#answer();
    await this.#process.end();
  }

  /** The next line that is an answer: Ray's own processes print others. */
  async #answer(): Promise<string> {
    for (;;) {
      const line = await this.#process.read();
      if (line.startsWith("= ")) return line.slice(2);
    }
  }
}
