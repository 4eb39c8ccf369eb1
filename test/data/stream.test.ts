import test from "ava";
import type { StoredBatch } from "../../src/data/index.js";
import { RayflightError } from "../../src/error.js";
import { idMessage, idSchema, idsIn, KiB, MiB, makeWorld, readIds, write } from "./world.js";

/** Reads to the end; the ids so far can be looked at meanwhile. */
function collect(messages: AsyncIterable<StoredBatch>): { found: number[]; done: Promise<void> } {
  const found: number[] = [];
  const done = (async () => {
    for await (const message of messages) found.push(...idsIn([message]));
  })();
  return { found, done };
}

test("followers get everything from the start, in order, once, and end at close", async (t) => {
  const { registry, control } = makeWorld(t);
  const stream = registry.createStream("s", idSchema);
  const early = collect(registry.follow("s"));
  const expected: number[] = [];
  for (let i = 0; i < 50; i++) {
    void stream.append(idMessage([i]));
    expected.push(i);
  }
  const middle = collect(registry.follow("s"));
  for (let i = 50; i < 100; i++) {
    await stream.append(idMessage([i]));
    expected.push(i);
  }
  t.is(registry.describe("s").state, "streaming");
  t.is((await control.get("datasets", "s"))?.rows, 100);
  await stream.close();
  const late = collect(registry.follow("s"));
  for (const { found, done } of [early, middle, late]) {
    await done;
    t.deepEqual(found, expected);
  }
  t.like(registry.describe("s"), { state: "sealed", rows: 100, version: 1 });
  t.like(await t.throwsAsync(stream.append(idMessage([1]))), { code: "FAILED_PRECONDITION" });
});

test("a slow follower holds nobody back, and reads what was spilled meanwhile", async (t) => {
  const { registry, store } = makeWorld(t, { memory: 2 * MiB });
  const stream = registry.createStream("s", idSchema);
  const slow = registry.follow("s")[Symbol.asyncIterator]();
  const rows = (100 * KiB) / 4;
  for (let i = 0; i < 60; i++) await stream.append(idMessage(Array.from({ length: rows }, (_, j) => i * rows + j)));
  await stream.close();
  t.true(store.usage().memoryUsed <= 2 * MiB);
  t.true(store.usage().spillUsed > 3 * MiB);
  for (let i = 0; i < 60; i++) {
    const { value } = await slow.next();
    const found = idsIn([value!]);
    t.is(found.length, rows);
    t.is(found[0], i * rows);
    t.is(found.at(-1), (i + 1) * rows - 1);
  }
  t.true((await slow.next()).done);
});

test("a batch read of an open stream is a snapshot", async (t) => {
  const world = makeWorld(t);
  const stream = world.registry.createStream("s", idSchema);
  await stream.append(idMessage([1, 2]));
  const lease = world.registry.open("s");
  const snapshot = world.registry.follow("s", { live: false })[Symbol.asyncIterator]();
  t.deepEqual(idsIn([(await snapshot.next()).value!]), [1, 2]);
  await stream.append(idMessage([3]));
  t.true((await snapshot.next()).done);
  t.like(lease.info, { state: "streaming", rows: 2 });
  t.is((await lease.load()).parts[0]!.length, 1);
  const messages: StoredBatch[] = [];
  for await (const message of lease.read(0)) messages.push(message);
  t.deepEqual(idsIn(messages), [1, 2]);
  t.deepEqual(await readIds(world, "s"), [1, 2, 3]);
  lease.release();
  await stream.close();
});

test("an error reaches followers after what came before it", async (t) => {
  const world = makeWorld(t);
  const { registry } = world;
  const stream = registry.createStream("s", idSchema);
  const follower = collect(registry.follow("s"));
  await stream.append(idMessage([1]));
  stream.fail(new RayflightError("WORKER_DIED", "The learner died."));
  stream.fail(new Error("later"));
  t.like(await t.throwsAsync(follower.done), { code: "WORKER_DIED", message: "The learner died." });
  t.deepEqual(follower.found, [1]);
  t.like(registry.describe("s"), { state: "failed", rows: 1 });
  t.is(registry.describe("s").error?.message, "The learner died.");
  t.deepEqual(await readIds(world, "s"), [1], "what was written can be read");
  t.like(await t.throwsAsync(stream.append(idMessage([1]))), { code: "WORKER_DIED" });
  const again = registry.createStream("s", idSchema);
  t.is(again.info.version, 2);
  await again.close();
});

test("a follower that leaves or is cancelled lets go", async (t) => {
  const { registry, store } = makeWorld(t);
  const stream = registry.createStream("s", idSchema);
  await stream.append(idMessage([1]));
  for await (const _ of registry.follow("s")) break;
  const controller = new AbortController();
  const cancelled = collect(registry.follow("s", controller));
  await stream.append(idMessage([2]));
  controller.abort();
  t.like(await t.throwsAsync(cancelled.done), { code: "CANCELLED" });
  await stream.close();
  t.true(registry.remove("s"));
  t.like(store.usage(), { arenas: 0, memoryUsed: 0 });
});

test("an append that the store refuses ends the stream: it never has a hole", async (t) => {
  const { registry } = makeWorld(t, { memory: MiB, spillLimit: 0 });
  const stream = registry.createStream("s", idSchema);
  const follower = collect(registry.follow("s"));
  const appends = Array.from({ length: 20 }, (_, i) =>
    stream.append(idMessage(Array.from({ length: (100 * KiB) / 4 }, () => i))),
  );
  const results = await Promise.allSettled(appends);
  const kept = results.findIndex(({ status }) => status === "rejected");
  t.true(kept > 0);
  t.true(results.slice(kept).every(({ status }) => status === "rejected"));
  t.like(await t.throwsAsync(stream.close()), { code: "OBJECT_STORE_FULL" });
  t.like(await t.throwsAsync(follower.done), { code: "OBJECT_STORE_FULL" });
  t.is(follower.found.length, (kept * 100 * KiB) / 4);
});

test("a live stream's name is taken, and an ended one's is free", async (t) => {
  const world = makeWorld(t);
  const { registry } = world;
  const stream = registry.createStream("d", idSchema);
  await stream.append(idMessage([1]));
  const live = { message: /still being written/ };
  t.throws(() => registry.createStream("d", idSchema), live);
  t.throws(() => registry.remove("d"), live);
  await t.throwsAsync(write(world, "1", [2]), live);
  registry.abort("1");
  await stream.close();
  t.is((await write(world, "2", [2], "append")).totalRows, 2);
  t.deepEqual(await readIds(world), [1, 2]);
  const follower = collect(registry.follow("d"));
  await follower.done;
  t.deepEqual(follower.found, [1, 2], "a sealed dataset can be followed, too");
});

test("closing the registry fails open streams", async (t) => {
  const { registry } = makeWorld(t);
  registry.createStream("s", idSchema);
  const follower = collect(registry.follow("s"));
  registry.close();
  t.like(await t.throwsAsync(follower.done), { code: "UNAVAILABLE" });
});
