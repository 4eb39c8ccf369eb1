import test from "ava";
import {
  type ControlStore,
  createMemoryControlStore,
  isTableName,
  type RunRow,
  tableNames,
  tables,
} from "../../src/control/index.js";

const run = (id: string, state: RunRow["state"] = "running"): RunRow => {
  return { id, state, seed: 1, config: "{}", result: null, startedAt: 0, endedAt: null, error: null };
};

/** What every control store promises; a remote one runs the same suite. */
function describeControlStore(name: string, make: (options?: { maximumRows: number }) => ControlStore) {
  test(`${name}: rows are replaced by id, listed in order, and copied both ways`, async (t) => {
    const store = make();
    const first = run("a");
    await store.put("runs", [first, run("b")]);
    first.state = "failed";
    t.is((await store.get("runs", "a"))?.state, "running");
    await store.put("runs", [run("a", "finished")]);
    const listed = await store.list("runs");
    t.deepEqual(
      listed.map(({ id, state }) => [id, state]),
      [
        ["a", "finished"],
        ["b", "running"],
      ],
    );
    listed[0]!.state = "failed";
    t.is((await store.get("runs", "a"))?.state, "finished");
    await store.delete("runs", ["a", "unknown"]);
    t.is(await store.get("runs", "a"), undefined);
    t.deepEqual(await store.list("nodes"), []);
  });

  test(`${name}: of concurrent compare-and-sets one wins`, async (t) => {
    const store = make();
    const created = await Promise.all([1, 2, 3].map(() => store.compareAndSet("runs", "a", undefined, run("a"))));
    t.is(created.filter(Boolean).length, 1);
    const changed = await Promise.all([
      store.compareAndSet("runs", "a", run("a"), run("a", "finished")),
      store.compareAndSet("runs", "a", run("a"), run("a", "failed")),
    ]);
    t.deepEqual(changed, [true, false]);
    t.is((await store.get("runs", "a"))?.state, "finished");
    t.false(await store.compareAndSet("runs", "a", undefined, undefined));
    t.true(await store.compareAndSet("runs", "a", run("a", "finished"), undefined));
    t.deepEqual(await store.list("runs"), []);
    await t.throwsAsync(store.compareAndSet("runs", "a", undefined, run("b")), { message: /id cannot change/ });
  });

  test(`${name}: a watcher sees what is there, then changes; a slow one sees the newest of each row`, async (t) => {
    const store = make();
    await store.put("runs", [run("a")]);
    const watch = store.watch("runs")[Symbol.asyncIterator]();
    t.deepEqual((await watch.next()).value, [{ id: "a", row: run("a") }]);
    for (let i = 0; i < 100; i++) await store.put("runs", [run("b", i === 99 ? "finished" : "running")]);
    await store.delete("runs", ["a"]);
    t.deepEqual((await watch.next()).value, [
      { id: "b", row: run("b", "finished") },
      { id: "a", row: null },
    ]);
    const next = watch.next();
    await store.put("nodes", []);
    await store.put("runs", [run("c")]);
    t.deepEqual((await next).value, [{ id: "c", row: run("c") }]);
    const last = watch.next();
    store.close();
    t.true((await last).done);
    await t.throwsAsync(store.list("runs"), { message: /closed/ });
  });

  test(`${name}: a watcher's signal ends it`, async (t) => {
    const store = make();
    const controller = new AbortController();
    const watch = store.watch("runs", controller)[Symbol.asyncIterator]();
    t.deepEqual((await watch.next()).value, []);
    const next = watch.next();
    controller.abort();
    t.true((await next).done);
  });

  test(`${name}: tables that grow with use forget their oldest rows`, async (t) => {
    const store = make({ maximumRows: 10 });
    const row = { label: "x", state: "memory", bytes: 1, createdAt: 0 } as const;
    for (let i = 0; i < 25; i++) await store.put("objects", [{ id: `${i}`, ...row }]);
    const ids = (await store.list("objects")).map(({ id }) => Number(id));
    t.deepEqual(
      ids,
      Array.from({ length: 10 }, (_, i) => i + 15),
    );
    for (let i = 0; i < 25; i++) await store.put("runs", [run(`${i}`)]);
    t.is((await store.list("runs")).length, 25);
  });
}

describeControlStore("memory", createMemoryControlStore);

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
