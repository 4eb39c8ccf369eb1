import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { FlightClient } from "arrow-flight-node";
import test from "ava";
import { startRayflight } from "../endpoint/rayflight-process.js";
import { processesLeft } from "./processes.js";

interface Status {
  datasets: { dataset: string }[];
  transactions: { dataset: string; staged: number; expiresAt: number }[];
  store: { arenas: number };
}

/** Interrupts a Spark program in the middle of a write, and says what is left of it and of the write. */
async function interrupt(uri: string, mode: "session" | "plain", signal: NodeJS.Signals) {
  const client = new FlightClient(uri);
  const mark = `RAYFLIGHT_TEST=${randomUUID()}`;
  const child = spawn(".venv/bin/python", ["test/spark/interrupted.py", uri, "interrupted", mode], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, PYTHONPATH: "test/spark:pipelines/battery", RAYFLIGHT_TEST: mark.split("=")[1] },
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  const closed = once(child, "close") as Promise<[number | null]>;
  try {
    await untilStaged(client, child, () => log);
    // To the whole group, as a terminal does; but a kill takes the driver alone, and its JVM has to notice.
    process.kill(signal === "SIGKILL" ? child.pid! : -child.pid!, signal);
    const [code] = await closed;
    const left = await processesLeft(mark, 30_000);
    return { code, log, left, status: await status(client) };
  } finally {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
    await client.close();
  }
}

async function status(client: FlightClient): Promise<Status> {
  for await (const answer of client.doAction({ type: "status", body: new Uint8Array() })) {
    return JSON.parse(Buffer.from(answer).toString());
  }
  throw new Error("The endpoint gave no status.");
}

async function untilStaged(client: FlightClient, child: ChildProcess, log: () => string): Promise<void> {
  while (child.exitCode === null) {
    const { transactions } = await status(client);
    if (transactions.some(({ staged }) => staged === 3)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The program ended before its write began:\n${log()}`);
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  test.serial(`${signal} in the middle of a pipeline's write leaves nothing`, async (t) => {
    t.timeout(180_000);
    const rayflight = await startRayflight();
    t.teardown(() => rayflight.end());
    const seen = await interrupt(rayflight.uri, "session", signal);
    t.is(seen.code, code, seen.log);
    t.regex(seen.log, /^interrupted: .*\n$/);
    t.deepEqual(seen.left, []);
    t.like(seen.status, { datasets: [], transactions: [], store: { arenas: 0 } });
  });
}

for (const signal of ["SIGINT", "SIGKILL"] as const) {
  test.serial(`${signal} in the middle of a plain script's write leaves no process and no half dataset`, async (t) => {
    t.timeout(180_000);
    const rayflight = await startRayflight();
    t.teardown(() => rayflight.end());
    const seen = await interrupt(rayflight.uri, "plain", signal);
    t.not(seen.code, 0);
    t.deepEqual(seen.left, []);
    t.deepEqual(seen.status.datasets, []);
    // Nobody was left to abort it: what is staged goes by itself.
    for (const { expiresAt } of seen.status.transactions) t.true(expiresAt < Date.now() + 31 * 60_000);
  });
}
