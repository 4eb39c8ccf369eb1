import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Makes so many actors in a process of its own; until all have answered, and the resident memory that each one takes. */
export async function liveActors(hosted: "alone" | "shared", count: number): Promise<{ seconds: number; kib: number }> {
  const { stdout } = await run(process.execPath, ["dist/test/bench/programs/live-actors.js", hosted, String(count)]);
  return JSON.parse(stdout) as { seconds: number; kib: number };
}
