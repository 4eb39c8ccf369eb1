import test from "ava";
import { decodeSchema } from "../../src/arrow/index.js";
import { readFixture } from "../arrow/fixture.js";
import {
  idMessage,
  idSchema,
  ids,
  idsIn,
  KiB,
  MiB,
  makeWorld,
  putPart,
  readIds,
  receive,
  schemaMessage,
  seal,
  stage,
  write,
} from "./world.js";

const nothingLeft = { memoryUsed: 0, pinned: 0, spillUsed: 0, arenas: 0 };

test("staged parts are invisible until one seal shows all of them, and orphans are dropped", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1, 2], { part: "0", attempt: 10 });
  await putPart(world, [3], { part: "1", attempt: 11 });
  await putPart(world, [3], { part: "1", attempt: 12 });
  await putPart(world, [], { part: "2", attempt: 13 });
  t.false(world.registry.exists("d"));
  t.like(
    t.throws(() => world.registry.open("d")),
    { code: "NOT_FOUND" },
  );
  t.like(world.registry.openTransactions()[0], { transaction: "t", dataset: "d", staged: 4, receiving: 0, rows: 4 });
  const result = seal(world, [
    ["0", 10, 2],
    ["1", 12, 1],
    ["2", 13, 0],
  ]);
  t.deepEqual(result, { version: 1, rows: 3, parts: 3, totalRows: 3, orphansDropped: 1 });
  t.deepEqual(await readIds(world), [1, 2, 3]);
  t.deepEqual(world.registry.openTransactions(), []);
  t.like(world.registry.describe("d"), { version: 1, rows: 3, state: "sealed" });
  t.deepEqual(
    (await world.control.list("datasets")).map(({ id, version, rows, parts }) => ({ id, version, rows, parts })),
    [{ id: "d", version: 1, rows: 3, parts: 3 }],
  );
  t.deepEqual(
    (await world.control.list("objects")).map(({ label, state }) => [label, state]),
    [
      ['Part 0 (attempt 10) of "d"', "memory"],
      ['Part 1 (attempt 12) of "d"', "memory"],
      ['Part 2 (attempt 13) of "d"', "memory"],
    ],
  );
});

test("a part with fewer rows than announced never counts", async (t) => {
  const world = makeWorld(t);
  const writer = stage(world);
  await receive(writer, idMessage([1, 2]));
  const error = t.throws(() => writer.finish(3), { message: /announced 3 rows, and 2 came.*as a new attempt/s });
  t.like(error, { code: "FAILED_PRECONDITION" });
  t.like(
    t.throws(() => seal(world, [["0", 0, 3]])),
    { code: "FAILED_PRECONDITION" },
  );
  t.like(
    t.throws(() => seal(world, [["0", 0, 2]])),
    { code: "FAILED_PRECONDITION" },
  );
  t.false(world.registry.exists("d"));
  world.registry.abort("t");
  t.like(world.store.usage(), nothingLeft);
});

test("a seal that does not fit what was staged changes nothing and can be repeated right", async (t) => {
  const world = makeWorld(t);
  await write(world, "before", [9]);
  await putPart(world, [1, 2], { part: "0", attempt: 1 });
  await putPart(world, [1, 2], { part: "0", attempt: 2 });
  const refused = (parts: [string, number, number][], message: RegExp) => {
    t.throws(() => seal(world, parts), { message });
  };
  refused([["7", 1, 2]], /1 of 1 parts did not arrive whole: 7 \(attempt 1\)/);
  refused([["0", 1, 3]], /has 2 rows, and the seal says 3/);
  refused(
    [
      ["0", 1, 2],
      ["0", 2, 2],
    ],
    /two attempts of part 0: 1 and 2/,
  );
  t.throws(() => seal(world, [["0", 1, 2]], { dataset: "other" }), { message: /writes "d", not "other"/ });
  t.deepEqual(await readIds(world), [9]);
  t.is(seal(world, [["0", 2, 2]]).version, 2);
  t.deepEqual(await readIds(world), [1, 2]);
});

test("the same seal again is answered alike, another one is refused", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1], { part: "0" });
  await putPart(world, [2], { part: "1" });
  const first = seal(world, [
    ["0", 0, 1],
    ["1", 0, 1],
  ]);
  const again = seal(world, [
    ["1", 0, 1],
    ["0", 0, 1],
  ]);
  t.deepEqual(again, { ...first, duplicate: true });
  t.is(world.registry.describe("d").version, 1);
  const error = t.throws(() => seal(world, [["0", 0, 1]]), {
    message: /The transaction t was sealed as version 1 before, with other parts.*under a new transaction/s,
  });
  t.like(error, { code: "FAILED_PRECONDITION" });
  t.like(
    t.throws(() => seal(world, [["0", 0, 1]], { mode: "append" })),
    { code: "FAILED_PRECONDITION" },
  );
  t.deepEqual(await readIds(world), [1, 2]);
});

test("an abort frees all, an abort after the seal does nothing, and late puts are refused", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1], { part: "0" });
  const open = stage(world, { part: "1" });
  const region = await open.allocate(64);
  t.deepEqual(world.registry.abort("t"), { dropped: 1 });
  t.deepEqual(world.registry.abort("t"), { dropped: 0, finished: "aborted" });
  t.like(world.store.usage(), nothingLeft);
  const late = { message: /The transaction t was aborted before.*under a new transaction/s };
  t.throws(() => open.append({ header: idMessage([1]).header, body: region }), late);
  t.throws(() => open.finish(0), late);
  t.throws(() => open.allocate(1), late);
  t.throws(() => stage(world, { part: "2" }), late);
  t.throws(() => seal(world, []), late);
  t.deepEqual(world.registry.abort("never seen"), { dropped: 0 });
  t.throws(() => stage(world, { transaction: "never seen" }), { message: /aborted/ });

  await write(world, "u", [5]);
  t.deepEqual(world.registry.abort("u"), { dropped: 0, finished: "sealed" });
  t.deepEqual(await readIds(world), [5]);
  t.throws(() => stage(world, { transaction: "u" }), { message: /sealed as version 1 before/ });
});

test("a loser that is still putting when the seal comes is refused and freed", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1], { attempt: 1 });
  const loser = stage(world, { attempt: 2 });
  await receive(loser, idMessage([1]));
  seal(world, [["0", 1, 1]]);
  t.throws(() => loser.finish(1), { message: /was sealed as version 1 before/ });
  t.is(world.store.usage().arenas, 1);
  t.deepEqual(await readIds(world), [1]);
});

test("a part that is sent twice under one attempt replaces itself", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1]);
  await putPart(world, [1]);
  t.is(world.store.usage().arenas, 1);
  const cut = stage(world);
  cut.abort();
  cut.abort();
  t.is(seal(world, [["0", 0, 1]]).orphansDropped, 0);
  t.deepEqual(await readIds(world), [1]);
});

test("append keeps earlier parts, overwrite switches, and readers keep what they opened", async (t) => {
  const world = makeWorld(t);
  await write(world, "1", [1]);
  await write(world, "2", [2], "append");
  t.deepEqual(await readIds(world), [1, 2]);
  const lease = world.registry.open("d");
  await write(world, "3", [3], "overwrite");
  t.deepEqual(await readIds(world), [3]);
  t.deepEqual(await readIds(world, "d", 2), [1, 2]);
  t.throws(() => world.registry.open("d", 1), { message: /Version 1 of "d" is not kept.*current version, 3/s });
  t.is(world.store.usage().arenas, 3);
  lease.release();
  lease.release();
  t.is(world.store.usage().arenas, 1, "only version 3 is left");
  t.throws(() => world.registry.open("d", 2), { message: /not kept/ });
  await t.throwsAsync(lease.load(), { message: /closed while it was read/ });
});

test("a reserved version waits for its reader for a while", async (t) => {
  const world = makeWorld(t);
  await write(world, "1", [1]);
  t.is(world.registry.reserve("d").version, 1);
  await write(world, "2", [2]);
  t.deepEqual(await readIds(world, "d", 1), [1]);
  world.clock.now += 10_001;
  world.registry.sweep();
  t.throws(() => world.registry.open("d", 1), { message: /not kept/ });
  t.is(world.store.usage().arenas, 1);
});

test("modes errorifexists and ignore", async (t) => {
  const world = makeWorld(t);
  t.is((await write(world, "1", [1], "errorifexists")).version, 1);
  await putPart(world, [2], { transaction: "2" });
  t.like(
    t.throws(() => seal(world, [["0", 0, 1]], { transaction: "2", mode: "errorifexists" })),
    {
      code: "ALREADY_EXISTS",
    },
  );
  t.deepEqual(seal(world, [["0", 0, 1]], { transaction: "2", mode: "ignore" }), {
    version: 1,
    rows: 0,
    parts: 0,
    totalRows: 1,
    ignored: true,
    orphansDropped: 1,
  });
  t.is((await write(world, "3", [3], "ignore", "other")).rows, 1);
  t.deepEqual(await readIds(world), [1]);
  t.is(world.store.usage().arenas, 2);
});

test("a schema that differs is refused with the first field that does", async (t) => {
  const world = makeWorld(t);
  const base = readFixture("schema-base").schema;
  stage(world, {}, base).finish(0);
  stage(world, { part: "1" }, readFixture("schema-metadata").schema).finish(0);
  const error = t.throws(() => stage(world, { part: "2" }, readFixture("schema-type").schema), {
    message:
      /differs in the field "load": Part 2 \(attempt 0\) of "d" has "load" float32 not null, and the parts before it has "load" float64 not null/,
  });
  t.like(error, { code: "INVALID_ARGUMENT" });
  seal(world, [
    ["0", 0, 0],
    ["1", 0, 0],
  ]);
  stage(world, { transaction: "u" }, readFixture("schema-nullability").schema).finish(0);
  t.throws(() => seal(world, [["0", 0, 0]], { transaction: "u", mode: "append" }), {
    message: /differs in the field "load": what was put has "load" float64, and "d" has "load" float64 not null/,
  });
  t.is(world.registry.describe("d").version, 1);
  t.is(seal(world, [["0", 0, 0]], { transaction: "u", mode: "overwrite" }).version, 2);
});

test("the seal's schema carries metadata, and stands in for parts when there are none", async (t) => {
  const world = makeWorld(t);
  const rich = schemaMessage(ids, { "rayflight.features": "{}" });
  await putPart(world, [1]);
  seal(world, [["0", 0, 1]], { schema: rich });
  t.deepEqual([...decodeSchema(world.registry.describe("d").schema).metadata], [["rayflight.features", "{}"]]);
  await write(world, "u", [2], "append");
  t.is(decodeSchema(world.registry.describe("d").schema).metadata.size, 1, "append keeps it");
  t.throws(() => seal(world, [], { transaction: "v", dataset: "empty" }), {
    message: /without parts and without a schema/,
  });
  t.deepEqual(seal(world, [], { transaction: "v", dataset: "empty", schema: idSchema }).parts, 0);
  t.deepEqual(await readIds(world, "empty"), []);
  await putPart(world, [1], { transaction: "w" });
  t.throws(() => seal(world, [["0", 0, 1]], { transaction: "w", schema: schemaMessage({ id: "int64" }) }), {
    message: /field "id": what was put has "id" int32 not null, and the seal has "id" int64 not null/,
  });
});

test("an open transaction expires unless something is put", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1]);
  const writer = stage(world, { part: "1" });
  world.clock.now += 50_000;
  await receive(writer, idMessage([2]));
  world.clock.now += 50_000;
  world.registry.sweep();
  t.is(world.registry.openTransactions().length, 1);
  world.clock.now += 10_000;
  world.registry.sweep();
  t.deepEqual(world.registry.openTransactions(), []);
  t.like(world.store.usage(), nothingLeft);
  const expired = { message: /t expired: nothing was put for 60 seconds.*transactionTtlMs/s };
  t.throws(() => writer.finish(1), expired);
  t.throws(() => seal(world, [["0", 0, 1]]), expired);
  t.deepEqual(world.registry.abort("t"), { dropped: 0, finished: "expired" });
});

test("more than the store holds spills, then is refused with sizes; the abort frees all", async (t) => {
  const world = makeWorld(t, { memory: 2 * MiB, spillLimit: 4 * MiB });
  const values = Array.from({ length: (300 * KiB) / 4 }, (_, i) => i);
  let staged = 0;
  const error = await t.throwsAsync(
    async () => {
      for (; ; staged++) await putPart(world, values, { part: `${staged}` });
    },
    { message: /The object store is full: Part \d+ .* of "d" needs .*Raise objectStoreMemory or spillLimit/s },
  );
  t.like(error, { code: "OBJECT_STORE_FULL" });
  t.true(staged > 10, `${staged} parts of 300 KiB fit`);
  t.deepEqual(world.spilledFiles(), []);
  world.registry.abort("t");
  t.like(world.store.usage(), nothingLeft);
  await write(world, "u", values);
  t.deepEqual(await readIds(world), values);
});

test("a sealed dataset larger than the memory is read in bounded memory, and refused as a whole", async (t) => {
  const world = makeWorld(t, { memory: 2 * MiB });
  const parts: [string, number, number][] = [];
  const all: number[] = [];
  for (let part = 0; part < 12; part++) {
    const values = Array.from({ length: 100_000 }, (_, i) => part * 100_000 + i);
    await putPart(world, values, { part: `${part}` });
    parts.push([`${part}`, 0, values.length]);
    for (const value of values) all.push(value);
  }
  seal(world, parts);
  t.true(world.store.usage().memoryUsed <= 2 * MiB);
  const found = await readIds(world);
  t.true(found.length === all.length && found.every((id, i) => id === all[i]));
  t.true(world.store.usage().memoryUsed <= 2 * MiB);
  const lease = world.registry.open("d");
  t.like(await t.throwsAsync(lease.load()), { code: "OBJECT_STORE_FULL" });
  lease.release();
  t.is(world.store.usage().pinned, 0);
  t.true(world.registry.remove("d"));
  t.like(world.store.usage(), nothingLeft);
});

test("what was spilled is restored by load, and held until the release", async (t) => {
  const world = makeWorld(t, { memory: 2 * MiB });
  const values = Array.from({ length: 200_000 }, (_, i) => i);
  await write(world, "1", values, "overwrite", "first");
  await write(world, "2", values, "overwrite", "second");
  await write(world, "3", values, "overwrite", "third");
  t.true(world.store.usage().spillUsed > 0);
  const lease = world.registry.open("first");
  const { segments, parts } = await lease.load();
  const messages = parts[0]!.map(({ segment, offset, length, ...rest }) => {
    return { ...rest, body: new Uint8Array(segments[segment]!, offset, length) };
  });
  t.deepEqual(idsIn(messages), values);
  await write(world, "4", values, "overwrite", "fourth");
  t.deepEqual(idsIn(messages), values);
  t.true(world.store.usage().pinned >= 800_000);
  lease.release();
  t.is(world.store.usage().pinned, 0);
});

test("removing lets readers finish, and a name that comes again gets a new version", async (t) => {
  const world = makeWorld(t);
  await write(world, "1", [1]);
  const lease = world.registry.open("d");
  t.true(world.registry.remove("d"));
  t.false(world.registry.remove("d"));
  const messages = [];
  for await (const message of lease.read(0)) messages.push(message);
  t.deepEqual(idsIn(messages), [1]);
  lease.release();
  t.like(world.store.usage(), nothingLeft);
  t.is((await write(world, "2", [2])).version, 2);
});

test("malformed messages and names are INVALID_ARGUMENT", async (t) => {
  const world = makeWorld(t);
  for (const name of ["", "a//b", "/a", "a/", "state/tasks", "a\nb"]) {
    t.like(
      t.throws(() => stage(world, { dataset: name })),
      { code: "INVALID_ARGUMENT" },
      JSON.stringify(name),
    );
  }
  t.like(
    t.throws(() => stage(world, {}, new Uint8Array(8))),
    { code: "INVALID_ARGUMENT" },
  );
  t.deepEqual(world.registry.openTransactions(), []);
  const writer = stage(world);
  const { header, body } = idMessage([1]);
  const region = await writer.allocate(body.length + 8);
  t.like(
    t.throws(() => writer.append({ header, body: region })),
    { code: "INVALID_ARGUMENT" },
  );
  t.like(
    t.throws(() => writer.append({ header: header.subarray(0, 20), body: region })),
    { code: "INVALID_ARGUMENT" },
  );
  t.is(writer.rows, 0);
});

test("waiting for a dataset ends when it appears, or with the signal", async (t) => {
  const world = makeWorld(t);
  const waiting = world.registry.waitFor("d");
  await write(world, "1", [1]);
  t.is((await waiting).version, 1);
  t.is((await world.registry.waitFor("d")).version, 1);
  const controller = new AbortController();
  const never = world.registry.waitFor("never", controller);
  controller.abort(new Error("enough"));
  await t.throwsAsync(never, { message: "enough" });
});

test("closing drops what is open", async (t) => {
  const world = makeWorld(t);
  await putPart(world, [1]);
  const writer = stage(world, { part: "1" });
  world.registry.close();
  t.throws(() => writer.finish(0), { message: /aborted/ });
  t.like(world.store.usage(), nothingLeft);
});
