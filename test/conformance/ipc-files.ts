import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { runProgram, tail } from "./child.js";

/** Python in the environment that the project's set-up makes. */
export const python = path.resolve(".venv/bin/python");

/** Where the Python programs of this folder lie. */
export function pythonProgram(name: string): string {
  return path.resolve("test/conformance/python", name);
}

/** The same data in the forms that the peers read. `json` is not there before it is made. */
export interface IpcFile {
  name: string;
  file: string;
  stream: string;
  json: string;
}

/** The IPC files, one a type, written by pyarrow once for each version of the program that writes them. */
export async function ipcFiles(): Promise<IpcFile[]> {
  const program = pythonProgram("write_ipc_files.py");
  const version = createHash("sha256").update(readFileSync(program)).digest("hex").slice(0, 12);
  const folder = path.resolve(`.cache/conformance/ipc-${version}`);
  if (!existsSync(path.join(folder, "many_batches.arrows"))) {
    const { code, output } = await runProgram(python, [program, folder]);
    if (code !== 0) throw new Error(`${program} failed:\n${tail(output)}`);
  }
  return readdirSync(folder)
    .filter((entry) => entry.endsWith(".arrow"))
    .sort()
    .map((entry) => {
      const base = path.join(folder, entry.slice(0, -".arrow".length));
      return { name: path.basename(base), file: `${base}.arrow`, stream: `${base}.arrows`, json: `${base}.json` };
    });
}
