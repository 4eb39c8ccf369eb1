import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import { batchFromColumns, numericColumn, schemaOf } from "../../src/arrow/index.js";
import { type Bus, createBus } from "../../src/control/index.js";
import { createDataClient, type DataClient } from "../../src/data/index.js";
import { RayflightError } from "../../src/error.js";
import type { StoreUsage } from "../../src/store/index.js";

const MiB = 1024 * 1024;

/** A real node thread, and this thread as its driver. */
function startNode(
  t: ExecutionContext,
  memory = 64 * MiB,
): { data: DataClient; bus: Bus; usage(): Promise<StoreUsage> } {
  const spillDirectory = mkdtempSync(join(tmpdir(), "rayflight-client-"));
  const node = new Worker(new URL("./node-thread.js", import.meta.url), { workerData: { memory, spillDirectory } });
  const bus = createBus(node);
  t.teardown(async () => {
    await node.terminate();
    // Fails when something is left in it.
    rmdirSync(spillDirectory);
  });
  return { data: createDataClient(bus), bus, usage: () => bus.call("usage", null) };
}

/** A worker thread with a bus of its own to the node. */
async function startReader(t: ExecutionContext, node: Bus): Promise<{ bus: Bus; worker: Worker }> {
  const worker = new Worker(new URL("./reader-thread.js", import.meta.url));
  t.teardown(() => worker.terminate());
  const { port1, port2 } = new MessageChannel();
  await node.call("connect", port1, { transfer: [port1] });
  const bus = createBus(worker);
  await bus.call("attach", port2, { transfer: [port2] });
  return { bus, worker };
}

const columns = {
  building: Int32Array.from({ length: 1000 }, (_, i) => i % 17),
  load: Float64Array.from({ length: 1000 }, (_, i) => i / 4),
  feature: Float32Array.from({ length: 1000 }, (_, i) => i / 8),
};

test("in a worker, every column's buffer is the store's segment, and a byte written there shows here", async (t) => {
  const { data, bus, usage } = startNode(t);
  await data.write("d", columns);
  const segments = await bus.call<SharedArrayBuffer[]>("segments", "d");
  const reader = await startReader(t, bus);
  using here = await data.open("d");
  const there = await reader.bus.call<{ column: string; buffers: SharedArrayBuffer[] }[]>("open", "d");
  t.deepEqual(
    there.map(({ column }) => column),
    ["building", "load", "feature"],
  );
  for (const { column, buffers } of there) {
    for (const buffer of buffers) t.true(buffer instanceof SharedArrayBuffer, column);
    const mine = here.column(column);
    t.true(mine[0]!.buffer instanceof SharedArrayBuffer);
    t.is(mine[0]![999], columns[column as keyof typeof columns][999]);
    // Each thread has its own object for one piece of memory, so sameness shows in what is written.
    mine[0]![7] = 77;
    t.is(await reader.bus.call("read", { column, row: 7 }), 77);
    await reader.bus.call("write", { column, row: 8, value: 88 });
    t.is(mine[0]![8], 88);
    const offset = mine[0]!.byteOffset;
    const inSegment = segments.some((segment) => {
      if (offset + mine[0]!.byteLength > segment.byteLength || segment.byteLength !== mine[0]!.buffer.byteLength)
        return false;
      const Kind = mine[0]!.constructor as Float64ArrayConstructor;
      return new Kind(segment, offset, 1000)[7] === 77 && new Kind(segment, offset, 1000)[8] === 88;
    });
    t.true(inSegment, `${column} lies in a segment of the node thread's store`);
  }
  t.true((await usage()).pinned > 0);
  await reader.bus.call("close", null);
  here.close();
  t.is((await usage()).pinned, 0);
});

test("a worker that dies gives back what it held, and its streams fail", async (t) => {
  const { data, bus, usage } = startNode(t);
  await data.write("d", columns);
  const reader = await startReader(t, bus);
  await reader.bus.call("open", "d");
  await reader.bus.call("begin", "s");
  t.true((await usage()).pinned > 0);
  const followed: number[] = [];
  const error = await t.throwsAsync(
    async () => {
      for await (const batch of data.follow("s")) {
        followed.push(...numericColumn(batch, "i"));
        void reader.worker.terminate();
      }
    },
    { instanceOf: RayflightError, message: /writer of the stream "s" ended before it closed it/ },
  );
  t.is(error!.code, "UNAVAILABLE");
  t.deepEqual(followed, [1]);
  t.is((await usage()).pinned, 0);
  t.true(await data.remove("d"));
});

test("datasets are written, listed, opened by version and removed", async (t) => {
  const { data, bus } = startNode(t);
  const schema = schemaOf({ id: "int32", word: "string" });
  const batches = [0, 1].map((i) => batchFromColumns({ id: [i, i + 10], word: ["a", "b"] }, schema));
  t.like(await data.write("words", batches, { metadata: { made: "here" } }), { version: 1, rows: 4 });
  t.like(await data.write("words", batches, { mode: "append" }), { version: 2, rows: 4 });
  const words = await data.open("words");
  t.is(words.metadata.get("made"), "here");
  t.deepEqual(
    [words.version, words.rows, words.state, words.parts.length, words.batches.length],
    [2, 8, "sealed", 2, 4],
  );
  t.deepEqual(
    words.column("id").flatMap((chunk) => [...chunk]),
    [0, 10, 1, 11, 0, 10, 1, 11],
  );
  t.deepEqual([...words.batches[0]!.getChild("word")!], ["a", "b"]);
  words.close();
  words.close();
  t.deepEqual(
    (await data.list()).map(({ name, version }) => [name, version]),
    [["words", 2]],
  );
  t.like(await t.throwsAsync(data.open("words", { version: 1 })), { code: "NOT_FOUND" });
  t.like(await t.throwsAsync(data.write("words", { id: [1.5] }, { mode: "append" })), { code: "INVALID_ARGUMENT" });
  t.like(await t.throwsAsync(data.write("words", batches, { mode: "errorifexists" })), { code: "ALREADY_EXISTS" });
  t.deepEqual(await bus.call("transactions", null), [], "failed writes leave nothing open");
  t.true(await data.remove("words"));
  t.false(await data.exists("words"));
});

test("waiting opens what appears, and times out with a hint", async (t) => {
  const { data } = startNode(t);
  const waiting = data.waitFor("d", { timeoutMs: 60_000 });
  await data.write("d", columns);
  using opened = await waiting;
  t.is(opened.rows, 1000);
  const late = await t.throwsAsync(data.waitFor("never", { timeoutMs: 1 }), { instanceOf: RayflightError });
  t.is(late!.code, "GET_TIMEOUT");
  t.regex(late!.message, /"never" did not appear within 0.001 seconds/);
  const controller = new AbortController();
  const cancelled = data.waitFor("never", controller);
  controller.abort();
  t.like(await t.throwsAsync(cancelled), { code: "CANCELLED" });
});

test("a stream grown by the driver is followed from the start, in order, and reports the first failure at close", async (t) => {
  const { data } = startNode(t);
  const stream = await data.createStream("s", { i: "int32", score: "float64", note: "string" });
  const seen: unknown[] = [];
  const follower = (async () => {
    for await (const batch of data.follow("s")) for (const row of batch) seen.push(row.toJSON());
  })();
  for (let i = 0; i < 200; i++) void stream.append({ i: [i], score: [i / 2], note: [`n${i}`] });
  await stream.close();
  await follower;
  t.deepEqual(
    seen,
    Array.from({ length: 200 }, (_, i) => ({ i, score: i / 2, note: `n${i}` })),
  );
  using read = await data.open("s");
  t.is(read.state, "sealed");
  const wrong = await data.createStream("w", { i: "int32" });
  void wrong.append({ i: [1.5] }).catch(() => {});
  await t.throwsAsync(wrong.append(batchFromColumns({ i: [1] })), {
    message: /field "i": it has "i" float64 not null/,
  });
  await t.throwsAsync(wrong.close(), { message: /1.5 does not fit/ });
  const failing = await data.createStream("f", { i: "int32" });
  await failing.fail(new RayflightError("TASK_FAILED", "It broke."));
  t.like(
    await t.throwsAsync(async () => {
      for await (const _ of data.follow("f"));
    }),
    { code: "TASK_FAILED", message: "It broke." },
  );
});

test("a dataset that does not fit in memory is refused on open, with sizes, and can be followed", async (t) => {
  const { data, usage } = startNode(t, 2 * MiB);
  const chunk = new Float64Array(32 * 1024).fill(1);
  await data.write(
    "big",
    Array.from({ length: 12 }, () => batchFromColumns({ x: chunk })),
  );
  const error = await t.throwsAsync(data.open("big"), { message: /of 2\.0 MiB memory.*Raise objectStoreMemory/s });
  t.like(error, { code: "OBJECT_STORE_FULL" });
  t.is((await usage()).pinned, 0);
  let rows = 0;
  for await (const batch of data.follow("big")) for (const x of numericColumn(batch, "x")) rows += x;
  t.is(rows, 12 * 32 * 1024);
});
