import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import test, { type ExecutionContext } from "ava";

/** Starts a driver in a process group of its own, as a shell does, and waits until it is loaded. */
async function startDriver(t: ExecutionContext, handling = "") {
  const spillDirectory = await mkdtemp(join(tmpdir(), "rayflight-signals-"));
  t.teardown(() => rm(spillDirectory, { recursive: true }));
  const script = fileURLToPath(new URL("loaded-driver.js", import.meta.url));
  const driver = spawn(process.execPath, [script, spillDirectory, handling], { stdio: "pipe", detached: true });
  const exited = once(driver, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  let errors = "";
  driver.stderr.on("data", (text) => {
    errors += text;
  });
  const group = -driver.pid!;
  t.teardown(() => {
    if (isAlive(group)) process.kill(group, "SIGKILL");
  });
  const lines = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
  const said = async () => {
    const line = await Promise.race([lines.next(), exited]);
    if (Array.isArray(line)) throw new Error(`the driver ended early: ${line} ${errors}`);
    return line.value as string;
  };
  t.is(await said(), "loaded");
  return {
    spillDirectory,
    said,
    pid: driver.pid!,
    signal: (name: NodeJS.Signals) => process.kill(group, name),
    /** How it ended, once nothing of its group is left and its folder is empty. */
    async end() {
      const [code, signal] = await exited;
      t.false(isAlive(group), "a process is left");
      t.deepEqual(await readdir(spillDirectory), []);
      return { code, signal };
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`a loaded driver ends at ${signal}, and leaves nothing`, async (t) => {
    const driver = await startDriver(t);
    t.deepEqual(await readdir(driver.spillDirectory), []);
    if (process.platform === "linux") {
      // It did spill, to files without names; and its shared memory has no name.
      const folder = `/proc/${driver.pid}/fd`;
      const open = await Promise.all((await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => "")));
      t.true(open.some((path) => path.startsWith(driver.spillDirectory) && path.endsWith("(deleted)")));
      t.notRegex(await readFile(`/proc/${driver.pid}/maps`, "utf8"), /\/dev\/shm\//);
    }
    driver.signal(signal);
    // A shell makes 128 and the signal's number of it.
    t.deepEqual(await driver.end(), { code: null, signal });
  });
}

test("a driver that ends its session at Ctrl-C ends though tasks and actors compute for ever", async (t) => {
  const driver = await startDriver(t, "shutdown");
  driver.signal("SIGINT");
  t.is(await driver.said(), "closing");
  t.deepEqual(await driver.end(), { code: 130, signal: null });
});

test("a second Ctrl-C ends a driver that is ending its session at once", async (t) => {
  const driver = await startDriver(t, "stuck");
  driver.signal("SIGINT");
  t.is(await driver.said(), "closing");
  driver.signal("SIGINT");
  t.deepEqual(await driver.end(), { code: null, signal: "SIGINT" });
});
