import { execFile } from "node:child_process";
import { getRandomValues } from "node:crypto";
import { fstatSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import test from "ava";
import { RayflightError } from "../../src/error.js";
import { Budget } from "../../src/store/budget.js";
import { type Arena, ObjectStore, type Region, type SpillCodecName, SpillFile } from "../../src/store/index.js";
import type { SpillStorage } from "../../src/store/spill-area.js";
import { spillCodecOf } from "../../src/store/spill-codec.js";

const KiB = 1024;
const MiB = 1024 * KiB;

function makeStore(t: { teardown(f: () => void): void }, memory: number, spillLimit: number) {
  const spillDirectory = mkdtempSync(join(tmpdir(), "rayflight-store-"));
  const store = new ObjectStore({ memory, spillLimit, spillDirectory });
  t.teardown(() => {
    store.close();
    rmSync(spillDirectory, { recursive: true, force: true });
  });
  return { store, spillDirectory };
}

/** Fills an arena with regions whose bytes all equal `mark`, and seals it. */
async function fill(arena: Arena, count: number, bytes: number, mark: number): Promise<Region[]> {
  const regions: Region[] = [];
  for (let i = 0; i < count; i++) {
    const region = await arena.allocate(bytes);
    region.fill(mark);
    regions.push(arena.locate(region)!);
    arena.complete(region);
  }
  arena.seal();
  return regions;
}

const unused = { memoryUsed: 0, pinned: 0, spillUsed: 0, arenas: 0 };

test("a region ends at a multiple of 64 in a SharedArrayBuffer", async (t) => {
  const { store } = makeStore(t, MiB, 0);
  const arena = store.createArena("a part");
  for (const bytes of [1, 63, 64, 65, 1000, 0]) {
    const region = await arena.allocate(bytes);
    t.is(region.length, bytes);
    t.true(region.buffer instanceof SharedArrayBuffer);
    t.is((region.byteOffset + region.length) % 64, 0);
    t.deepEqual(arena.locate(region)?.length, bytes);
  }
  t.is(arena.bytes, 1 + 63 + 64 + 65 + 1000);
  t.is(arena.locate(new Uint8Array(8)), undefined);
  arena.release();
  arena.release();
  t.like(store.usage(), unused);
});

test("allocations in memory are answered at once", (t) => {
  const { store } = makeStore(t, MiB, 0);
  t.true(store.createArena("a part").allocate(1000) instanceof Uint8Array);
});

test("full memory spills what was sealed first, and reads it back from disk", async (t) => {
  const { store, spillDirectory } = makeStore(t, 4 * MiB, 64 * MiB);
  const arenas: { arena: Arena; regions: Region[] }[] = [];
  for (let i = 0; i < 10; i++) {
    const arena = store.createArena(`part ${i}`);
    arenas.push({ arena, regions: await fill(arena, 5, 300 * KiB, i + 1) });
    t.true(store.usage().memoryUsed <= 4 * MiB);
  }
  t.true(store.usage().spillUsed > 8 * MiB);
  t.deepEqual(readdirSync(spillDirectory), [], "spill files have no name");
  for (const [i, { arena, regions }] of arenas.entries()) {
    for (const region of regions) {
      const bytes = await arena.read(region);
      t.is(bytes.length, 300 * KiB);
      t.true(bytes.every((byte) => byte === i + 1));
    }
    arena.release();
  }
  t.like(store.usage(), unused);
});

test("an arena larger than the memory spills while it is written", async (t) => {
  const { store } = makeStore(t, 3 * MiB, 64 * MiB);
  const arena = store.createArena("a big part");
  const regions = await fill(arena, 40, 500 * KiB, 7);
  t.true(store.usage().memoryUsed <= 3 * MiB);
  t.true((await arena.read(regions[0]!)).every((byte) => byte === 7));
  const error = await t.throwsAsync(arena.pin(), { instanceOf: RayflightError });
  t.like(error, { code: "OBJECT_STORE_FULL" });
  t.is(store.usage().pinned, 0);
  arena.release();
  t.like(store.usage(), unused);
});

test("a pin restores, holds and shares the same memory", async (t) => {
  const { store } = makeStore(t, 4 * MiB, 64 * MiB);
  const first = store.createArena("first");
  const regions = await fill(first, 2, 900 * KiB, 1);
  const second = store.createArena("second");
  await fill(second, 3, 900 * KiB, 2);
  const third = store.createArena("third");
  await fill(third, 3, 900 * KiB, 3);
  t.true(store.usage().spillUsed > 0);
  const [one, two] = await Promise.all([first.pin(), first.pin()]);
  t.deepEqual([...one.segments], [...two.segments]);
  for (const { segment, offset, length } of regions) {
    t.true(new Uint8Array(one.segments[segment]!, offset, length).every((byte) => byte === 1));
  }
  one.release();
  one.release();
  t.true(store.usage().pinned >= 1800 * KiB);
  const fourth = store.createArena("fourth");
  await fill(fourth, 2, 900 * KiB, 4);
  t.deepEqual([...(await first.pin()).segments], [...two.segments], "what is pinned stays where it is");
  two.release();
});

test("without spill space left the refusal names sizes and the options to raise, and releasing frees all", async (t) => {
  const { store } = makeStore(t, 2 * MiB, 2 * MiB);
  const arenas: Arena[] = [];
  const error = await t.throwsAsync(
    async () => {
      for (;;) {
        const arena = store.createArena(`part ${arenas.length}`);
        arenas.push(arena);
        await fill(arena, 1, 700 * KiB, 1);
      }
    },
    { instanceOf: RayflightError },
  );
  t.like(error, { code: "OBJECT_STORE_FULL" });
  t.regex(error!.message, /part \d+ needs 700\.0 KiB more, and .* of 2\.0 MiB memory and .* of 2\.0 MiB spill space/);
  t.regex(error!.message, /Raise objectStoreMemory or spillLimit/);
  for (const arena of arenas) arena.release({ reusable: true });
  t.like(store.usage(), unused);
  t.true(store.createArena("later").allocate(MiB) instanceof Uint8Array);
});

test("one allocation larger than the memory is refused without spilling anything", async (t) => {
  const { store } = makeStore(t, 2 * MiB, 64 * MiB);
  await fill(store.createArena("a part"), 1, 500 * KiB, 1);
  await t.throwsAsync(async () => store.createArena("a giant").allocate(3 * MiB), {
    code: "OBJECT_STORE_FULL",
  } as object);
  t.is(store.usage().spillUsed, 0);
});

test("memory that the system refuses is not counted", (t) => {
  const budget = new Budget(2 ** 53, 0);
  t.throws(() => budget.take(2 ** 52, { label: "a part", released: false }), { instanceOf: RangeError });
  t.is(budget.usage().memoryUsed, 0);
});

test("a directory that cannot be written is OUT_OF_DISK, and the bytes stay readable", async (t) => {
  const store = new ObjectStore({ memory: MiB, spillLimit: MiB, spillDirectory: "package.json/inside" });
  t.teardown(() => store.close());
  const first = store.createArena("first");
  const [region] = await fill(first, 1, 700 * KiB, 5);
  const error = await t.throwsAsync(async () => store.createArena("second").allocate(700 * KiB));
  t.like(error, { code: "OUT_OF_DISK" });
  t.true((await first.read(region!)).every((byte) => byte === 5));
  t.is(store.usage().spillUsed, 0);
});

test("memory that a reader saw is never handed on, memory that nobody saw is", async (t) => {
  const { store } = makeStore(t, 16 * MiB, 0);
  const seen = store.createArena("seen");
  const [region] = await fill(seen, 1, 2 * MiB, 1);
  const view = await seen.read(region!);
  seen.release({ reusable: true });
  const next = await store.createArena("next").allocate(2 * MiB);
  t.not(next.buffer, view.buffer);
  const unseen = store.createArena("unseen");
  const written = await unseen.allocate(3 * MiB);
  unseen.complete(written);
  const beingWritten = await unseen.allocate(2 * MiB);
  unseen.seal();
  unseen.release({ reusable: true });
  t.is((await store.createArena("after").allocate(3 * MiB)).buffer, written.buffer);
  t.not((await store.createArena("last").allocate(2 * MiB)).buffer, beingWritten.buffer);
});

test("an arena that is released while it waits for room is refused, and its room goes to the next", async (t) => {
  const { store } = makeStore(t, 2 * MiB, 8 * MiB);
  await fill(store.createArena("first"), 1, MiB, 1);
  const waiting = store.createArena("waiting");
  const pending = Promise.resolve(waiting.allocate(MiB + 64 * KiB));
  const next = store.createArena("next");
  const after = Promise.resolve(next.allocate(MiB));
  waiting.release();
  await t.throwsAsync(pending, { code: "OBJECT_FREED" } as object);
  t.is((await after).length, MiB);
});

test("observers learn of sealed arenas: where they are, and when they are gone", async (t) => {
  const { store } = makeStore(t, MiB, MiB);
  const news: unknown[] = [];
  store.observe((changed, gone) => news.push([changed.map(({ label, state, bytes }) => [label, state, bytes]), gone]));
  const arena = store.createArena("a part");
  await fill(arena, 1, 700 * KiB, 1);
  await store.createArena("another").allocate(700 * KiB);
  await null;
  arena.release();
  await null;
  t.deepEqual(news, [
    [[["a part", "memory", 700 * KiB]], []],
    [[["a part", "spilled", 700 * KiB]], []],
    [[], [arena.id]],
  ]);
});

test("memory that another thread made is the store's: it counts, moves to disk and comes back", async (t) => {
  const { store } = makeStore(t, 2 * MiB, 8 * MiB);
  const buffer = new SharedArrayBuffer(MiB);
  new Uint8Array(buffer).fill(7);
  const first = store.adopt(buffer, "a result");
  if (first instanceof Promise) return t.fail("there was room");
  t.like(store.usage(), { memoryUsed: MiB, objects: 1 });
  const arena = store.createArena("a part");
  await fill(arena, 1, 900 * KiB, 1);
  const second = await store.adopt(new SharedArrayBuffer(MiB), "another result");
  const third = await store.adopt(new SharedArrayBuffer(MiB), "a third");
  t.like(store.usage(), { memoryUsed: 2 * MiB, pinned: 0 });
  t.true(store.usage().spillUsed >= MiB);
  const back = await first.open();
  t.true(new Uint8Array(back).every((byte) => byte === 7));
  t.is(first.open(), back, "readers see the same memory");
  t.like(store.usage(), { memoryUsed: 2 * MiB, pinned: MiB });
  first.release();
  t.like(store.usage(), { pinned: MiB }, "it counts until its readers let go");
  first.close();
  first.close();
  for (const object of [second, third]) object.release();
  second.release();
  arena.release();
  t.like(store.usage(), { ...unused, objects: 0 });
});

test("memory that readers hold is not moved: whoever has it is asked for it before anybody is refused", async (t) => {
  const { store } = makeStore(t, 2 * MiB, 8 * MiB);
  const held = [await store.adopt(new SharedArrayBuffer(MiB), "a"), await store.adopt(new SharedArrayBuffer(MiB), "b")];
  for (const object of held) await object.open();
  let asked = 0;
  store.lendTo({
    recall: () => false,
    ask: async () => {
      asked += 1;
      if (asked > 1) return false;
      held[1]!.close();
      return true;
    },
  });
  const third = await store.adopt(new SharedArrayBuffer(MiB), "c");
  t.is(asked, 1);
  await third.open();
  await t.throwsAsync(async () => store.adopt(new SharedArrayBuffer(MiB), "d"), { message: /readers hold 2\.0 MiB/ });
  t.is(asked, 2);
});

const hasZstd = "zstdCompress" in zlib;
for (const codec of ["gzip", "brotli", "zstd"] as const) {
  const testCodec = codec === "zstd" && !hasZstd ? test.skip : test;
  testCodec(`${codec}: what compresses takes less space on disk, what does not is stored as it is`, async (t) => {
    const spillDirectory = mkdtempSync(join(tmpdir(), "rayflight-store-"));
    const store = new ObjectStore({ memory: 2 * MiB, spillLimit: 16 * MiB, spillDirectory, spillCodec: codec });
    t.teardown(() => {
      store.close();
      rmSync(spillDirectory, { recursive: true, force: true });
    });
    const arena = store.createArena("a part");
    const regions = await fill(arena, 3, 300 * KiB, 9);
    const noise = new Uint8Array(new SharedArrayBuffer(MiB));
    for (let i = 0; i < MiB; i += 65536) getRandomValues(noise.subarray(i, i + 65536));
    const copy = noise.slice();
    const object = await store.adopt(noise.buffer, "noise");
    await (await store.adopt(new SharedArrayBuffer(2 * MiB), "all of it")).release();
    const { spillUsed } = store.usage();
    t.true(spillUsed >= MiB && spillUsed < MiB + 300 * KiB, `${spillUsed}`);
    t.true((await arena.read(regions[1]!)).every((byte) => byte === 9));
    t.deepEqual(new Uint8Array(await object.open()), copy);
    object.close();
    object.release();
    arena.release();
    t.like(store.usage(), unused);
  });
}

test("what is compressed on disk is read once for all regions of a segment, and again after a failure", async (t) => {
  const spillDirectory = mkdtempSync(join(tmpdir(), "rayflight-store-"));
  let reads = 0;
  let fails = false;
  const openFile = (): SpillStorage => {
    const file = new SpillFile(spillDirectory);
    return {
      write: (bytes, position) => file.write(bytes, position),
      read: async (target, position) => {
        reads += 1;
        if (fails) throw new RayflightError("OBJECT_LOST", "the disk failed", { hint: "" });
        await file.read(target, position);
      },
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  };
  const store = new ObjectStore({ memory: MiB, spillLimit: 8 * MiB, spillDirectory, spillCodec: "gzip", openFile });
  t.teardown(() => {
    store.close();
    rmSync(spillDirectory, { recursive: true, force: true });
  });
  const arena = store.createArena("a part");
  const regions: Region[] = [];
  for (let mark = 0; mark < 128; mark++) {
    const region = await arena.allocate(4 * KiB);
    region.fill(mark);
    regions.push(arena.locate(region)!);
    arena.complete(region);
  }
  arena.seal();
  (await store.adopt(new SharedArrayBuffer(MiB), "all of it")).release();
  const segments = regions.at(-1)!.segment + 1;
  t.true(segments < 10);
  const readAll = async () => {
    for (const [mark, region] of regions.entries()) {
      const bytes = await arena.read(region);
      if (bytes.length !== 4 * KiB || bytes.some((byte) => byte !== mark)) t.fail(`region ${mark} is another one`);
    }
  };
  await readAll();
  t.is(reads, segments);
  const last = regions.filter(({ segment }) => segment === segments - 1);
  fails = true;
  await t.throwsAsync(async () => arena.read(last[0]!), { code: "OBJECT_LOST" });
  fails = false;
  await Promise.all(last.map((region) => arena.read(region)));
  t.is(reads, segments + 2);
  arena.release();
  t.is(store.usage().spillUsed, 0);
});

test("a codec that nobody has is refused at once", (t) => {
  const make = (spillCodec: string) => () =>
    new ObjectStore({ memory: MiB, spillLimit: 0, spillDirectory: ".", spillCodec: spillCodec as SpillCodecName });
  t.throws(make("lzma"), { code: "INVALID_ARGUMENT", message: /Name one of none, gzip, brotli, zstd/ } as object);
});

(hasZstd ? test.skip : test)("zstd is refused by a Node that lacks it", (t) => {
  t.throws(() => spillCodecOf("zstd"), { code: "FAILED_PRECONDITION", message: /22\.15/ } as object);
});

test.serial("spilled bytes that changed on disk are OBJECT_LOST, not other values", async (t) => {
  const { store } = makeStore(t, MiB, 8 * MiB);
  const object = await store.adopt(new SharedArrayBuffer(MiB), "a result");
  (await store.adopt(new SharedArrayBuffer(MiB), "another")).release();
  t.is(store.usage().spillUsed, MiB);
  // The file has no name, but the process has it open.
  const files = readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes(`rayflight-${process.pid}-`) ? [Number(fd)] : [];
    } catch {
      return [];
    }
  });
  for (const fd of files) if (fstatSync(fd).size >= MiB) writeSync(fd, new Uint8Array([1]), 0, 1, 5000);
  const error = await t.throwsAsync(async () => object.open());
  t.like(error, { code: "OBJECT_LOST" });
  t.regex(error!.message, /checksum/);
  t.is(store.usage().pinned, 0);
  object.release();
  t.like(store.usage(), { memoryUsed: 0, spillUsed: 0 });
});

test("a full disk is OUT_OF_DISK, and the store recovers once there is room", async (t) => {
  // The kernel refuses to make a file larger than this, as it does on a full disk.
  const program = fileURLToPath(new URL("./full-disk.js", import.meta.url));
  const { stdout } = await promisify(execFile)("sh", [
    "-c",
    `ulimit -f 8192; exec "$0" "$1"`,
    process.execPath,
    program,
  ]);
  t.deepEqual(JSON.parse(stdout), {
    refused: "OUT_OF_DISK",
    intact: true,
    after: 3 << 20,
    spillUsed: 0,
    memoryUsed: 0,
  });
});
