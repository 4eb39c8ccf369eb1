/** Fills a store whose disk refuses files of more than 4 MiB; run with `ulimit -f`. Says what came of it. */
import { tmpdir } from "node:os";
import { ObjectStore, type StoredObject } from "../../src/store/index.js";

const MiB = 1 << 20;
const store = new ObjectStore({ memory: 3 * MiB, spillLimit: 1 << 30, spillDirectory: tmpdir() });
const objects: StoredObject[] = [];
const put = async (mark: number) => {
  const buffer = new SharedArrayBuffer(MiB);
  new Uint8Array(buffer).fill(mark);
  objects.push(await store.adopt(buffer, `object ${mark}`));
};

let refused = "";
for (let mark = 1; refused === "" && mark < 20; mark++) {
  await put(mark).catch((error) => {
    refused = error.code;
  });
}
// Room in memory: what is on disk can be read again.
objects.pop()!.release();
let intact = true;
for (const [i, object] of objects.entries()) {
  const bytes = new Uint8Array(await object.open());
  intact &&= bytes.every((byte) => byte === i + 1);
  object.close();
}
for (const object of objects.splice(0)) object.release();
for (let mark = 50; mark < 53; mark++) await put(mark);
const after = store.usage().memoryUsed;
for (const object of objects) object.release();
const { spillUsed, memoryUsed } = store.usage();
process.stdout.write(JSON.stringify({ refused, intact, after, spillUsed, memoryUsed }));
