import test from "ava";
import {
  type ControlStore,
  createMemoryControlStore,
  isTableName,
  type TaskRow,
  tableNames,
  tables,
} from "../../src/control/index.js";

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
function describeControlStore(name: string, make: (options?: { maximumRows: number }) => ControlStore) {
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

  test(`${name}: tables that grow with use forget their oldest rows`, async (t) => {
    const store = make({ maximumRows: 10 });
    const object = { label: "x", state: "memory", bytes: 1, createdAt: 0 } as const;
    for (let i = 0; i < 25; i++) await store.put("objects", [{ id: `${i}`, ...object }]);
    const ids = (await store.list("objects")).map(({ id }) => Number(id));
    t.deepEqual(
      ids,
      Array.from({ length: 10 }, (_, i) => i + 15),
    );
    const dataset = { version: 1, rows: 0, bytes: 0, parts: 0, createdAt: 0, updatedAt: 0, error: null };
    for (let i = 0; i < 25; i++) await store.put("datasets", [{ id: `${i}`, state: "sealed", ...dataset }]);
    t.is((await store.list("datasets")).length, 25);
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
