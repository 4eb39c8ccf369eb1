import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import * as ray from "../../bridge/node.js";
import { importInSpeedscope } from "./speedscope.js";
import { faultsOf, type TraceEvent } from "./trace-format.js";

const run = promisify(execFile);

interface Trace {
  readonly traceEvents: readonly TraceEvent[];
}

/** Runs what a timeline must show, and returns the file's text. */
async function record(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rayflight-timeline-"));
  const file = join(folder, "timeline.json");
  const node = await ray.init({ numCpus: 2 });
  try {
    const leaf = ray.remote(function leaf(x: number) {
      return x * 2;
    });
    const tree = ray.remote(async function tree(count: number) {
      return (await ray.get(Array.from({ length: count }, (_, i) => leaf.remote(i)))).length;
    });
    const busy = ray.remote(function busy(milliseconds: number) {
      const until = performance.now() + milliseconds;
      while (performance.now() < until);
    });
    const fail = ray.remote(function fail() {
      throw new Error("on purpose");
    });
    const die = ray.remote(
      function die(seen: Int32Array) {
        if (Atomics.add(seen, 0, 1) === 0) process.exit(1);
      },
      { maxRetries: 1 },
    );
    class Pair {
      #waiting: (() => void) | undefined;
      /** Two calls of it are under way at once. */
      async meet() {
        await new Promise<void>((resolve) => {
          if (this.#waiting === undefined) this.#waiting = resolve;
          else {
            this.#waiting();
            resolve();
          }
        });
      }
      fast(x: number) {
        return x;
      }
    }
    const pair = ray.remote(Pair, { maxConcurrency: 2 }).remote();
    await ray.get([tree.remote(20), tree.remote(30)]);
    await ray.get(Array.from({ length: 2000 }, (_, i) => leaf.remote(i)));
    await ray.get([busy.remote(5), busy.remote(5)]);
    await ray.get(fail.remote()).catch(() => {});
    await ray.get(die.remote(new Int32Array(new SharedArrayBuffer(4))));
    await ray.get([pair.meet.remote(), pair.meet.remote()]);
    await ray.get(Array.from({ length: 500 }, (_, i) => pair.fast.remote(i)));
    await ray.get(busy.options({ numCpus: 2 }).remote(1));
    await ray.timeline({ file });
    return await readFile(file, "utf8");
  } finally {
    await node.close();
    await rm(folder, { recursive: true });
  }
}

const recording = record();

test("a timeline is what the Trace Event Format allows", async (t) => {
  const trace = JSON.parse(await recording) as Trace;
  t.deepEqual(faultsOf(trace), []);
});

test("every attempt at a task is in the timeline, with its parent's arrow, and so are the ends of threads", async (t) => {
  const { traceEvents } = JSON.parse(await recording) as Trace;
  const slices = traceEvents.filter(({ ph }) => ph === "X");
  const count = (name: string, state?: string) =>
    slices.filter((slice) => slice.name === name && (state === undefined || slice.args!.state === state)).length;
  t.deepEqual(
    ["leaf", "tree", "busy", "fail", "Pair.meet", "Pair.fast"].map((name) => count(name)),
    [2050, 2, 3, 1, 2, 500],
  );
  t.deepEqual([count("fail", "failed"), count("die", "failed"), count("die", "finished")], [1, 1, 1]);
  const children = slices.filter(({ args }) => args!.parent !== null);
  t.is(children.length, 50);
  t.is(traceEvents.filter(({ ph }) => ph === "s").length, 50);
  const ended = traceEvents.filter(({ ph }) => ph === "i");
  t.true(ended.some(({ args }) => String(args!.reason).includes("process.exit(1)")));
  const busiest = slices.filter(({ name }) => name === "busy").map(({ dur }) => dur!);
  t.true(Math.max(...busiest) >= 5000);
  // Times have parts of a microsecond.
  t.true(slices.some(({ ts }) => !Number.isInteger(ts)));
  // Calls that overlap are on tracks of their own.
  const [first, second] = slices.filter(({ name }) => name === "Pair.meet");
  t.not(first!.tid, second!.tid);
});

test("speedscope imports the timeline", async (t) => {
  const text = await recording;
  const { traceEvents } = JSON.parse(text) as Trace;
  const profiles = await importInSpeedscope("timeline.json", text);
  const threads = new Set(traceEvents.filter(({ ph }) => ph === "X").map(({ tid }) => tid));
  t.is(profiles.length, threads.size);
  t.true(profiles.every((profile) => /worker-\d+/.test(profile.getName())));
  const frames = new Set<string>();
  let calls = 0;
  for (const profile of profiles) {
    t.is(profile.getWeightUnit(), "microseconds");
    const open = ({ frame }: { readonly frame: { readonly name: string } }) => {
      frames.add(frame.name);
      calls += 1;
    };
    profile.forEachCall(open, () => {});
  }
  t.is(calls, traceEvents.filter(({ ph }) => ph === "X").length);
  const names = [...frames].join("\n");
  for (const name of ["leaf", "tree", "busy", "fail", "die", "Pair.meet", "Pair.fast"]) {
    t.true(names.includes(name), `${name} in ${names}`);
  }
});

test.serial("the command line lists a state table and writes the timeline of a running node", async (t) => {
  await recording;
  const node = await ray.init({ numCpus: 1 });
  const folder = await mkdtemp(join(tmpdir(), "rayflight-cli-"));
  t.teardown(async () => {
    await node.close();
    await rm(folder, { recursive: true });
  });
  const double = ray.remote(function double(x: number) {
    return 2 * x;
  });
  const fail = ray.remote(function fail() {
    throw new Error("on purpose");
  });
  await ray.get([1, 2, 3].map((x) => double.remote(x)));
  await ray.get(fail.remote()).catch(() => {});
  const rayflight = async (...args: string[]) =>
    (await run(process.execPath, ["dist/bridge/cli/main.js", ...args, "--uri", node.uri])).stdout;
  const failed = (await rayflight("list", "tasks", "--where", "state=failed")).trim().split("\n");
  t.is(failed.length, 1);
  t.like(JSON.parse(failed[0]!), { name: "fail", state: "failed", attempt: 1 });
  t.is(await rayflight("list", "tasks", "--count"), "4\n");
  t.is((await rayflight("list", "tasks", "--limit", "2")).trim().split("\n").length, 2);
  await t.throwsAsync(rayflight("list", "nothing"), { message: /Ask for one of .*tasks/ });
  const out = join(folder, "timeline.json");
  t.is(await rayflight("timeline", "--out", out), `${out}\n`);
  const trace = JSON.parse(await readFile(out, "utf8")) as Trace;
  t.deepEqual(faultsOf(trace), []);
  t.is(trace.traceEvents.filter(({ ph }) => ph === "X").length, 4);
});
