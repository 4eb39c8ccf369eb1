import { closeSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { setImmediate as nextTurn } from "node:timers/promises";
import test from "ava";
import {
  type ControlStore,
  createMemoryControlStore,
  isTableName,
  type TaskRow,
  tableNames,
  tables,
} from "../../src/control/index.js";
import { SpillFile } from "../../src/store/spill-file.js";

const row = (id: string, state: TaskRow["state"] = "running"): TaskRow => {
  const times = { submittedAt: 0, startedAt: null, endedAt: null };
  return {
    id,
    name: "f",
    kind: "task",
    state,
    parent: null,
    actor: null,
    worker: null,
    attempt: 0,
    ...times,
    error: null,
  };
};

/** What every control store promises; a remote one runs the same suite. */
function describeControlStore(name: string, make: () => ControlStore) {
  test(`${name}: rows are replaced by id, listed in order, and copied both ways`, async (t) => {
    const store = make();
    const first = row("a");
    await store.put("tasks", [first, row("b")]);
    first.state = "failed";
    t.is((await store.get("tasks", "a"))?.state, "running");
    await store.put("tasks", [row("a", "finished")]);
    const listed = await store.list("tasks");
    t.deepEqual(
      listed.map(({ id, state }) => [id, state]),
      [
        ["a", "finished"],
        ["b", "running"],
      ],
    );
    listed[0]!.state = "failed";
    t.is((await store.get("tasks", "a"))?.state, "finished");
    await store.delete("tasks", ["a", "unknown"]);
    t.is(await store.get("tasks", "a"), undefined);
    t.deepEqual(await store.list("nodes"), []);
  });

  test(`${name}: of concurrent compare-and-sets one wins`, async (t) => {
    const store = make();
    const created = await Promise.all([1, 2, 3].map(() => store.compareAndSet("tasks", "a", undefined, row("a"))));
    t.is(created.filter(Boolean).length, 1);
    const changed = await Promise.all([
      store.compareAndSet("tasks", "a", row("a"), row("a", "finished")),
      store.compareAndSet("tasks", "a", row("a"), row("a", "failed")),
    ]);
    t.deepEqual(changed, [true, false]);
    t.is((await store.get("tasks", "a"))?.state, "finished");
    t.false(await store.compareAndSet("tasks", "a", undefined, undefined));
    t.true(await store.compareAndSet("tasks", "a", row("a", "finished"), undefined));
    t.deepEqual(await store.list("tasks"), []);
    await t.throwsAsync(store.compareAndSet("tasks", "a", undefined, row("b")), { message: /id cannot change/ });
  });

  test(`${name}: a watcher sees what is there, then changes; a slow one sees the newest of each row`, async (t) => {
    const store = make();
    await store.put("tasks", [row("a")]);
    const watch = store.watch("tasks")[Symbol.asyncIterator]();
    t.deepEqual((await watch.next()).value, [{ id: "a", row: row("a") }]);
    for (let i = 0; i < 100; i++) await store.put("tasks", [row("b", i === 99 ? "finished" : "running")]);
    await store.delete("tasks", ["a"]);
    t.deepEqual((await watch.next()).value, [
      { id: "b", row: row("b", "finished") },
      { id: "a", row: null },
    ]);
    const next = watch.next();
    await store.put("nodes", []);
    await store.put("tasks", [row("c")]);
    t.deepEqual((await next).value, [{ id: "c", row: row("c") }]);
    const last = watch.next();
    store.close();
    t.true((await last).done);
    await t.throwsAsync(store.list("tasks"), { message: /closed/ });
  });

  test(`${name}: a watcher's signal ends it`, async (t) => {
    const store = make();
    const controller = new AbortController();
    const watch = store.watch("tasks", controller)[Symbol.asyncIterator]();
    t.deepEqual((await watch.next()).value, []);
    const next = watch.next();
    controller.abort();
    t.true((await next).done);
  });

  test(`${name}: a log's rows come first, then what is current, each id once`, async (t) => {
    const store = make();
    const live = new Map([row("c"), row("b")].map((row) => [row.id, row]));
    let asked = 0;
    const log = store.openLog("tasks", {
      ...textRows,
      current: async () => {
        asked += 1;
        log.append(pack([row("b", "finished")]));
        return new Map(live);
      },
    });
    log.append(pack([row("a", "finished"), row("x", "failed")]));
    await store.put("tasks", [row("d")]);
    const listed = (await store.list("tasks")).map(({ id, state }) => `${id} ${state}`);
    t.deepEqual(listed, ["a finished", "x failed", "b finished", "c running", "d running"]);
    t.is(asked, 1);
    t.is((await store.get("tasks", "x"))?.state, "failed");
    t.is((await store.get("tasks", "d"))?.state, "running");
    t.is(await store.get("tasks", "unknown"), undefined);
    t.throws(() => store.openLog("tasks", { ...textRows, current: async () => new Map() }), { message: /has a log/ });
  });

  test(`${name}: a log of many blocks is read in batches, in order, while it grows`, async (t) => {
    const store = make();
    const log = store.openLog("tasks", { ...textRows, current: async () => new Map() });
    const blocks = 300;
    const rowsOfBlock = 100;
    const add = (block: number) =>
      log.append(pack(Array.from({ length: rowsOfBlock }, (_, i) => row(`${block * rowsOfBlock + i}`, "finished"))));
    for (let block = 0; block < blocks; block++) add(block);
    let next = 0;
    let batches = 0;
    for await (const rows of store.scan("tasks")) {
      t.true(rows.length <= 10_000);
      for (const { id } of rows) if (Number(id) !== next++) t.fail(`${id} came instead of ${next - 1}`);
      // What comes after the reading began is for the next one.
      add(blocks + batches++);
    }
    t.is(next, blocks * rowsOfBlock);
    t.true(batches > 2);
    t.is((await store.list("tasks")).length, (blocks + batches) * rowsOfBlock);
    t.is(log.lostRows, 0);
    store.close();
  });
}

/** Rows in a block, as text. */
const textRows = {
  unpack: (block: Uint8Array) => JSON.parse(new TextDecoder().decode(block)) as TaskRow[],
  rowsOf: (block: Uint8Array) => textRows.unpack(block).length,
};
const pack = (rows: readonly TaskRow[]) => new TextEncoder().encode(JSON.stringify(rows));

describeControlStore("memory", () => createMemoryControlStore());
describeControlStore("memory and a file", () => createMemoryControlStore({ openFile: () => new SpillFile(tmpdir()) }));

test("when the disk is full, blocks are dropped and counted, and kept again once there is room", async (t) => {
  const full = openSync("/dev/full", "w");
  const disk = new SpillFile(tmpdir());
  let isFull = true;
  const said: unknown[] = [];
  const store = createMemoryControlStore({
    openFile: () => ({
      // What a full disk says.
      write: async (bytes) => (isFull ? writeSync(full, bytes) : await disk.write(bytes)),
      read: (target, position) => disk.read(target, position),
      close: () => disk.close(),
    }),
    lost: (table, rows, reason) => said.push([table, rows, (reason as NodeJS.ErrnoException).code]),
  });
  const log = store.openLog("tasks", { ...textRows, current: async () => new Map() });
  const big = row("a", "failed");
  big.error = "x".repeat(1 << 20);
  log.append(pack([big, big]));
  await nextTurn();
  t.is(log.lostRows, 2);
  t.deepEqual(said, [["tasks", 2, "ENOSPC"]]);
  isFull = false;
  for (const id of ["b", "c", "d"]) log.append(pack([{ ...big, id }]));
  t.deepEqual(
    (await store.list("tasks")).map(({ id }) => id),
    ["b", "c", "d"],
  );
  t.is(log.lostRows, 2);
  store.close();
  closeSync(full);
});

test("every table has an id and columns of known types", (t) => {
  for (const name of tableNames) {
    t.true(isTableName(name));
    t.deepEqual(tables[name].id, { type: "string", nullable: false });
    for (const { type } of Object.values(tables[name])) {
      t.true(["string", "float64", "bool", "timestamp"].includes(type));
    }
  }
  t.false(isTableName("toString"));
});
