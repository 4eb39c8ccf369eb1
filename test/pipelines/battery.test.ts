import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlightClient } from "arrow-flight-node";
import test from "ava";
import { runPython, startPython } from "../endpoint/python.js";
import { processesLeft } from "../spark/processes.js";
import { startSpark } from "../spark/spark-driver.js";
import { startMainJob } from "./main-job.js";

const stream = "battery/runs/latest/iterations";

/** What the follower printed: the iterations in order of arrival, and how the stream ended. */
function followed(output: string): { iterations: number[]; end: string | undefined } {
  const lines = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { iterations?: number[]; end?: string });
  return { iterations: lines.flatMap((line) => line.iterations ?? []), end: lines.at(-1)?.end };
}

test.serial(
  "while it learns, pyarrow and Spark read the first update; Ctrl-C then leaves nothing behind",
  async (t) => {
    t.timeout(300_000);
    const job = startMainJob("--updates", "1000000");
    t.teardown(() => job.kill("SIGKILL"));
    const uri = (await job.printed(/endpoint (grpc:\S+)/))[1]!;
    const spark = await startSpark();
    t.teardown(() => spark.end());
    await job.printed(/update +1 of/);
    await job.printed(/phase_3 sealed/);

    const early = followed(await runPython("test/pipelines/follow.py", uri, stream, "3"));
    t.deepEqual(early, { iterations: [1, 2, 3], end: "left" });
    const read = await spark.ask<{ result: { rows: number[][] } }>("rows", {
      uri,
      dataset: stream,
      columns: "iteration",
    });
    const iterations = read.result.rows.flat();
    t.is(iterations[0], 1);
    t.deepEqual(
      iterations,
      iterations.map((_, i) => i + 1),
    );
    const states = await stateOf(uri);
    t.deepEqual(
      states.actors.map(({ className, state }) => [className, state]),
      [
        ["Rollouts", "alive"],
        ["Rollouts", "alive"],
      ],
    );
    t.is(new Set(states.actors.map(({ worker }) => worker)).size, 2);

    const follower = startPython("test/pipelines/follow.py", uri, stream);
    await follower.firstLine;
    job.kill("SIGINT");
    t.is(await job.gone, 130);
    const late = followed(await follower.output);
    t.true(late.iterations.every((iteration, i) => iteration === i + 1));
    t.not(late.end, "clean", "a run that was interrupted must not look like one that is complete");
    t.deepEqual(await processesLeft(job.mark, 30_000), []);
  },
);

test.serial("the whole job at a small size ends with scores, plots and all its rows", async (t) => {
  t.timeout(300_000);
  const out = await mkdtemp(join(tmpdir(), "rayflight-battery-"));
  t.teardown(() => rm(out, { recursive: true, force: true }));
  const json = join(out, "scores.json");
  const job = startMainJob("--small", "--stay", "--out", out, "--json", json);
  t.teardown(() => job.kill("SIGKILL"));
  const uri = (await job.printed(/endpoint (grpc:\S+)/))[1]!;
  await job.printed(/results stay at/);
  t.deepEqual(followed(await runPython("test/pipelines/follow.py", uri, stream)), {
    iterations: [1, 2, 3],
    end: "clean",
  });
  job.kill("SIGINT");
  await job.gone;
  for (const plot of ["learning-curve.svg", "one-week.svg"]) t.true((await stat(join(out, plot))).size > 10_000);
  const scores = JSON.stringify(JSON.parse(await readFile(json, "utf8")));
  t.regex(scores, /0\.913/, "the basic battery rule on phase 1");
  t.deepEqual(await processesLeft(job.mark, 30_000), []);
});

test("options that make no sense are refused before anything starts", async (t) => {
  for (const args of [
    ["--updates", "many"],
    ["--device", "tpu"],
  ]) {
    const job = startMainJob(...args);
    t.is(await job.gone, 2);
    t.regex(job.output(), new RegExp(`${args[0]} is "${args[1]}"`));
  }
});

test("a GPU that is not there is refused, never replaced", async (t) => {
  t.timeout(120_000);
  const job = startMainJob("--small", "--device", "gpu");
  t.is(await job.gone, 1);
  t.regex(job.output(), /npm start: .*gpu/i);
  t.deepEqual(await processesLeft(job.mark, 30_000), []);
});

async function stateOf(uri: string): Promise<{ actors: { className: string; state: string; worker: string }[] }> {
  const client = new FlightClient(uri);
  try {
    const body = Buffer.from(JSON.stringify({ table: "actors" }));
    for await (const reply of client.doAction({ type: "state", body })) {
      return { actors: JSON.parse(Buffer.from(reply).toString()).rows };
    }
    throw new Error("The endpoint gave no state.");
  } finally {
    await client.close();
  }
}
