import { readdir, readFile } from "node:fs/promises";

/** The processes whose environment holds `mark`, as `pid command`: a program's children, grandchildren and orphans. */
export async function processesWith(mark: string): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const environment = await readFile(`/proc/${pid}/environ`, "latin1");
        if (!environment.split("\0").includes(mark)) return [];
        const command = await readFile(`/proc/${pid}/cmdline`, "latin1");
        // A process that has ended and is not yet collected has an empty command.
        return command === "" ? [] : [`${pid} ${command.replaceAll("\0", " ").slice(0, 200)}`];
      } catch {
        return [];
      }
    }),
  );
  return found.flat();
}

/** Resolves with the processes that are left once there are none, or after `patienceMs`. */
export async function processesLeft(mark: string, patienceMs: number): Promise<string[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const left = await processesWith(mark);
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
