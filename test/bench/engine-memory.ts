import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const program = new URL("./programs/finished-tasks.js", import.meta.url).pathname;

/** The resident memory of a fresh process after five million finished tasks, as a multiple of that after one million. */
export async function memoryGrowth(): Promise<number> {
  const { stdout } = await run(process.execPath, [program, "5"]);
  const resident = JSON.parse(stdout) as number[];
  return resident[4]! / resident[0]!;
}
