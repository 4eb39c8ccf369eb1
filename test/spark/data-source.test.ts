import { randomUUID } from "node:crypto";
import { access, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import * as ray from "rayflight";
import { type RayflightProcess, startRayflight } from "../endpoint/rayflight-process.js";
import { startLosingProxy } from "./losing-proxy.js";
import { processesLeft } from "./processes.js";
import { type SparkDriver, startSpark } from "./spark-driver.js";

interface Content {
  rows: number;
  distinct: number;
  sum: number;
  half: number;
  partitions: number;
}

interface Outcome<T = unknown> {
  result?: T;
  error?: string | null;
  raw?: string;
}

interface State {
  visible: { version: number; rows: number; parts: number } | null;
  transactions: { transaction: string; staged: number }[];
  store: { memoryUsed: number; spillUsed: number; arenas: number };
}

type Written = Outcome & State & { content: Content | null };

const mark = { RAYFLIGHT_TEST: randomUUID() };
let rayflight: RayflightProcess;
let spark: SparkDriver;
let folder: string;

test.before(async (t) => {
  t.timeout(240_000);
  folder = await mkdtemp(join(tmpdir(), "rayflight-spark-"));
  [rayflight, spark] = await Promise.all([startRayflight("--object-store-memory", "256MiB"), startSpark(mark)]);
});

test.after.always(async () => {
  await spark?.end();
  await rayflight?.end();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a dataset named as the accident that happens on the way, once it is sure that it happened. */
async function writeWith(fault: string, rows: number): Promise<Written> {
  const marker = join(folder, fault);
  const written = await spark.ask<Written>("write", { uri: rayflight.uri, dataset: fault, rows, fault, marker });
  await access(marker);
  return written;
}

/** The numbers below `rows`, `times` over, and nothing else. */
function isNumbers(t: ExecutionContext, content: Content | null, rows: number, times = 1): void {
  const sum = (times * rows * (rows - 1)) / 2;
  t.like(content, { rows: rows * times, distinct: rows, sum, half: sum / 2 });
}

function isGone(t: ExecutionContext, state: State): void {
  t.is(state.visible, null);
  t.deepEqual(state.transactions, []);
}

/** The one line for a person, which ends with what to do. */
function says(t: ExecutionContext, outcome: Outcome, pattern: RegExp): void {
  t.is(outcome.result, undefined);
  t.regex(outcome.error ?? `nothing explains: ${outcome.raw}`, pattern);
  t.false(outcome.error?.includes("\n"));
}

test.serial("append adds, overwrite replaces, each as a new version", async (t) => {
  const dataset = "numbers";
  const uri = rayflight.uri;
  const write = (rows: number, mode: string) => spark.ask<Written>("write", { uri, dataset, rows, mode });
  const first = await write(100_000, "append");
  isNumbers(t, first.content, 100_000);
  t.like(first.visible, { version: 1, parts: 4 });
  t.is(first.content?.partitions, 4);
  const second = await write(100_000, "append");
  isNumbers(t, second.content, 100_000, 2);
  t.like(second.visible, { version: 2, parts: 8 });
  const third = await write(500, "overwrite");
  isNumbers(t, third.content, 500);
  t.is(third.visible?.version, 3);
  t.deepEqual(third.transactions, []);
});

test.serial("a DataFrame without rows becomes a dataset without rows", async (t) => {
  const written = await spark.ask<Written>("write", { uri: rayflight.uri, dataset: "empty", rows: 0 });
  t.like(written.visible, { rows: 0, parts: 0 });
  t.is(written.content?.rows, 0);
});

test.serial("ifexists refines the mode that Spark passes on", async (t) => {
  const write = (rows: number, ifexists: string) =>
    spark.ask<Written>("write", { uri: rayflight.uri, dataset: "modes", rows, ifexists });
  isNumbers(t, (await write(10, "errorifexists")).content, 10);
  const refused = await write(20, "errorifexists");
  says(t, refused, /"modes" exists already\. Choose another name, or write with ifexists="overwrite"/);
  isNumbers(t, refused.content, 10);
  const ignored = await write(20, "ignore");
  t.is(ignored.error, undefined);
  isNumbers(t, ignored.content, 10);
  t.is(ignored.visible?.version, 1);
  t.deepEqual(ignored.transactions, []);
  isNumbers(t, (await write(30, "overwrite")).content, 30);
  says(t, await write(30, "replace"), /ifexists.*Give one of append, overwrite, errorifexists, ignore/);
  says(t, await spark.ask("save_mode", { uri: rayflight.uri }), /\.mode\("append"\)\.option\("ifexists"/);
});

test.serial("every common type survives, with nulls and in any time zone, and metadata travels", async (t) => {
  const seen = await spark.ask("every_type", { uri: rayflight.uri, dataset: "types" });
  t.deepEqual(seen, { same: true, metadata: { owner: "grid team" } });
});

test.serial("a column that may not be null stays so", async (t) => {
  t.deepEqual(await spark.ask("not_null", { uri: rayflight.uri, dataset: "strict" }), { stored: false, back: false });
});

test.serial("Spark reads what another Flight client has put, types that it lacks included", async (t) => {
  const seen = await spark.ask<Outcome<{ schema: string; rows: unknown[][] }>>("foreign_types", {
    uri: rayflight.uri,
    dataset: "foreign/table",
  });
  t.is(
    seen.result?.schema,
    "struct<word:string,u8:smallint,u32:bigint,u64:decimal(20,0),at:timestamp,long:string,list:array<int>>",
  );
  t.deepEqual(
    seen.result?.rows.map((row) => [row[0], row[1], row[2], row[3], row[5], row[6]]),
    [
      ["a", 1, 1, "1", "x", [1, 2]],
      ["b", 2, 2, "2", "y", [3]],
      ["a", 255, 4294967295, "18446744073709551615", "z", []],
    ],
  );
});

test.serial("a reader may choose columns and an old version", async (t) => {
  const uri = rayflight.uri;
  await spark.ask("write", { uri, dataset: "choice", rows: 3, partitions: "1" });
  const chosen = await spark.ask<Outcome>("rows", { uri, dataset: "choice", columns: "half, id" });
  t.deepEqual(chosen.result, {
    schema: "struct<half:double,id:bigint>",
    rows: [0, 1, 2].map((id) => [id / 2, id]),
  });
  t.is((await spark.ask<Outcome<Content>>("read", { uri, dataset: "choice", version: "1" })).result?.rows, 3);
  says(t, await spark.ask("read", { uri, dataset: "choice", version: "9" }), /Version 9 of "choice"/);
  says(t, await spark.ask("rows", { uri, dataset: "choice", columns: "id,hlaf" }), /no column "hlaf". It has id, half/);
});

test.serial("a stream that still grows is read as far as it has come, and again later", async (t) => {
  const node = await ray.init({ numCpus: 1 });
  t.teardown(() => node.close());
  const stream = await ray.data.createStream("runs/live", { step: "int32", return: "float64" });
  const read = async () => (await spark.ask<Outcome>("rows", { uri: node.uri, dataset: "runs/live" })).result;
  const schema = "struct<step:int,return:double>";
  t.deepEqual(await read(), { schema, rows: [] });
  await stream.append({ step: [1], return: [0.5] });
  t.deepEqual(await read(), { schema, rows: [[1, 0.5]] });
  await stream.append({ step: [2, 3], return: [0.25, 0.125] });
  const whole = { schema, rows: [1, 2, 3].map((step) => [step, 2 ** -step]) };
  t.deepEqual(await read(), whole);
  await stream.close();
  t.deepEqual(await read(), whole);
});

test.serial("threads other than the main one work once they have activated the session", async (t) => {
  const seen = await spark.ask<{ bare: Outcome; first: Outcome; second: Outcome; content: Content }>("from_threads", {
    uri: rayflight.uri,
    dataset: "threads",
  });
  says(t, seen.bare, /pyspark_rayflight\.activate\(spark\)/);
  t.is(seen.first.error, undefined);
  t.is(seen.second.error, undefined);
  isNumbers(t, seen.content, 10_000, 2);
});

for (const fault of ["raises mid-stream", "raises after its part was staged", "is killed mid-stream"]) {
  test.serial(`a task that ${fault} is retried, and every row counts once`, async (t) => {
    const written = await writeWith(fault, 100_000);
    t.is(written.error, undefined, written.raw);
    isNumbers(t, written.content, 100_000);
    t.is(written.visible?.parts, 4);
    t.deepEqual(written.transactions, []);
  });
}

test.serial("a job that fails leaves nothing, and an overwrite that fails leaves the old version", async (t) => {
  const uri = rayflight.uri;
  const failed = await spark.ask<Outcome & State>("failing_job", { uri, dataset: "failed", mode: "append" });
  t.regex(failed.raw ?? "", /accident: in every attempt/);
  isGone(t, failed);
  await spark.ask("write", { uri, dataset: "kept", rows: 100 });
  const kept = await spark.ask<Outcome & State>("failing_job", { uri, dataset: "kept", mode: "overwrite" });
  t.regex(kept.raw ?? "", /accident: in every attempt/);
  t.like(kept.visible, { version: 1, rows: 100 });
  t.deepEqual(kept.transactions, []);
});

test.serial("a driver that fails before its seal leaves nothing", async (t) => {
  const written = await writeWith("commit raises before the seal", 1000);
  t.regex(written.raw ?? "", /accident: commit raises before the seal/);
  isGone(t, written);
});

test.serial("what is sealed stays, also when Spark aborts afterwards", async (t) => {
  const written = await writeWith("commit raises after the seal", 1000);
  t.regex(written.raw ?? "", /accident: commit raises after the seal/);
  isNumbers(t, written.content, 1000);
});

test.serial("a seal whose answer is lost is asked for again, and seals once", async (t) => {
  const proxy = await startLosingProxy(rayflight.uri, 1);
  t.teardown(() => proxy.close());
  const written = await spark.ask<Written>("write", { uri: proxy.uri, dataset: "answered twice", rows: 1000 });
  t.is(proxy.lost, 1);
  t.is(written.error, undefined, written.raw);
  isNumbers(t, written.content, 1000);
  t.is(written.visible?.version, 1);
});

test.serial("a seal that is never answered is not undone, and the message says that nobody knows", async (t) => {
  const proxy = await startLosingProxy(rayflight.uri, Number.POSITIVE_INFINITY);
  t.teardown(() => proxy.close());
  const written = await spark.ask<Written>("write", { uri: proxy.uri, dataset: "never answered", rows: 1000 });
  says(t, written, /Whether "never answered" was sealed is not known: look at its rows/);
  t.true(proxy.lost > 1);
  isNumbers(t, written.content, 1000);
  t.deepEqual(written.transactions, []);
});

test.serial("readers see the old version until the seal of an overwrite", async (t) => {
  const seen = await spark.ask<Outcome & Record<"before" | "during" | "after", Content>>("overwrite_slowly", {
    uri: rayflight.uri,
    dataset: "slow",
    gate: join(folder, "slow"),
  });
  t.is(seen.error, undefined, seen.raw);
  isNumbers(t, seen.before, 1000);
  isNumbers(t, seen.during, 1000);
  isNumbers(t, seen.after, 400);
});

test.serial("a cancelled job leaves nothing", async (t) => {
  const seen = await spark.ask<Outcome & State>("cancel", {
    uri: rayflight.uri,
    dataset: "cancelled",
    gate: join(folder, "never"),
  });
  t.is(seen.result, undefined);
  t.truthy(seen.raw);
  isGone(t, seen);
});

test.serial("a wrong uri is refused before anything runs", async (t) => {
  const ask = (uri: string | null) => spark.ask<{ read: Outcome; write: Outcome }>("without_endpoint", { uri });
  for (const [uri, pattern] of [
    [null, /"uri" is missing.*grpc:\/\//],
    ["127.0.0.1:8815", /no scheme that Arrow Flight knows.*grpc:\/\//],
    ["http://127.0.0.1:8815", /no scheme that Arrow Flight knows.*grpc:\/\//],
    ["grpc://127.0.0.1", /malformed.*grpc:\/\//],
    ["grpc://127.0.0.1:99999", /malformed.*grpc:\/\//],
  ] as const) {
    const { read, write } = await ask(uri);
    says(t, read, pattern);
    says(t, write, pattern);
  }
});

test.serial("where no endpoint listens, the message names the address and the command", async (t) => {
  const port = await freePort();
  const uri = `grpc://127.0.0.1:${port}`;
  const { read, write } = await spark.ask<{ read: Outcome; write: Outcome }>("without_endpoint", { uri });
  const pattern = new RegExp(`No endpoint answers at ${uri}.*rayflight start`);
  says(t, read, pattern);
  says(t, write, pattern);
});

test.serial("an unknown dataset and an unknown option are named", async (t) => {
  const uri = rayflight.uri;
  says(t, await spark.ask("read", { uri, dataset: "nowhere" }), /no dataset "nowhere"/);
  says(t, await spark.ask("read", { uri, dataset: "any", colums: "id" }), /no option "colums".*Did you mean "columns"/);
});

test.serial("an endpoint with a token takes no other", async (t) => {
  const guarded = await startRayflight("--token", "secret");
  t.teardown(() => guarded.end());
  const ask = (token: string | null) => spark.ask<Outcome>("with_token", { uri: guarded.uri, token });
  says(t, await ask(null), /wants a token.*option\("token"/);
  says(t, await ask("wrong"), /wants a token.*option\("token"/);
  t.is((await ask("secret")).result, 10);
});

test.serial("parts of different schemas are refused, by hand and by Spark", async (t) => {
  const uri = rayflight.uri;
  const transaction = "mixed-transaction";
  const mixed = await spark.ask<{ steps: Outcome[] } & State>("by_hand", {
    uri,
    dataset: "mixed",
    script: [
      { do: "put", transaction, part: "0", rows: 10, announced: 10 },
      { do: "put", transaction, part: "1", rows: 10, announced: 10, type: "float64" },
      { do: "abort", transaction },
    ],
  });
  t.like(mixed.steps[0]?.result, { rows: 10 });
  t.regex(mixed.steps[1]?.raw ?? "", /"id" float64.*"id" int64.*one schema/);
  isGone(t, mixed);
  await spark.ask("every_type", { uri, dataset: "of types" });
  const appended = await spark.ask<Written>("write", { uri, dataset: "of types", rows: 10 });
  t.regex(appended.error ?? "", /schema.*one schema/);
  t.is(appended.visible?.version, 1);
  t.deepEqual(appended.transactions, []);
});

test.serial("a transaction sealed twice counts once, and takes nothing more", async (t) => {
  const transaction = "twice-transaction";
  const seal = { do: "seal", transaction, parts: [{ part: "0", attempt: 0, rows: 10 }] };
  const put = { do: "put", transaction, part: "0", rows: 10, announced: 10 };
  const seen = await spark.ask<{ steps: Outcome<Record<string, unknown>>[] } & State>("by_hand", {
    uri: rayflight.uri,
    dataset: "twice",
    script: [put, seal, seal, { ...put, part: "1" }, { do: "abort", transaction }],
  });
  t.like(seen.steps[1]?.result, { version: 1, rows: 10 });
  t.like(seen.steps[2]?.result, { version: 1, rows: 10, duplicate: true });
  t.regex(seen.steps[3]?.raw ?? "", /was sealed.*new transaction/);
  t.like(seen.visible, { version: 1, rows: 10, parts: 1 });
  t.deepEqual(seen.transactions, []);
});

test.serial("a part with fewer rows than announced, or without an end, is no part", async (t) => {
  const transaction = "short-transaction";
  const put = { do: "put", transaction, part: "0", rows: 10 };
  const seal = (rows: number) => ({ do: "seal", transaction, parts: [{ part: "0", attempt: 0, rows }] });
  const seen = await spark.ask<{ steps: Outcome[] } & State>("by_hand", {
    uri: rayflight.uri,
    dataset: "short",
    script: [
      { ...put, announced: 11 },
      put,
      seal(10),
      { ...put, announced: 10 },
      seal(11),
      { do: "abort", transaction },
      { ...put, announced: 10 },
    ],
  });
  t.regex(seen.steps[0]?.raw ?? "", /announced 11 rows, and 10 came.*Send the whole part again/);
  t.regex(seen.steps[1]?.raw ?? "", /without its end marker.*Its writer was cut off/);
  says(t, seen.steps[2]!, /did not arrive whole.*put them again/);
  t.like(seen.steps[3]?.result, { rows: 10 });
  says(t, seen.steps[4]!, /has 10 rows, and the seal says 11.*run the job again/);
  t.like(seen.steps[5]?.result, { dropped: 1 });
  t.regex(seen.steps[6]?.raw ?? "", /was aborted/);
  isGone(t, seen);
});

test.serial(
  "a dataset larger than the memory spills; one larger than the store fails its job and leaves nothing",
  async (t) => {
    const spill = join(folder, "spill");
    await mkdir(spill);
    const limits = ["--object-store-memory", "8MiB", "--spill-limit", "24MiB", "--spill-directory", spill];
    const small = await startRayflight(...limits);
    t.teardown(() => small.end());
    const uri = small.uri;
    const larger = await spark.ask<Written>("write", { uri, dataset: "spilled", rows: 1_000_000, partitions: "8" });
    t.is(larger.error, undefined, larger.raw);
    isNumbers(t, larger.content, 1_000_000);
    t.true(larger.store.spillUsed > 0);

    const tooLarge = await spark.ask<Written>("write", { uri, dataset: "too large", rows: 4_000_000 });
    says(t, tooLarge, /store is full.*Raise/);
    isGone(t, tooLarge);
    t.is(tooLarge.store.arenas, larger.store.arenas);
    isNumbers(t, (await spark.ask<Outcome<Content>>("read", { uri, dataset: "spilled" })).result ?? null, 1_000_000);
    const next = await spark.ask<Written>("write", { uri, dataset: "spilled", rows: 1000, mode: "overwrite" });
    isNumbers(t, next.content, 1000);
    t.deepEqual(await readdir(spill), []);
  },
);

test.serial("after all that, Spark ends cleanly and no process of it is left", async (t) => {
  t.is(await spark.end(), 0);
  t.deepEqual(await processesLeft(`RAYFLIGHT_TEST=${mark.RAYFLIGHT_TEST}`, 30_000), []);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
