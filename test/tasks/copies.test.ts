import { get, put, remote } from "../../src/tasks/index.js";
import { testCopies } from "./copies-suite.js";
import { scenariosOn } from "./scenario.js";
import { makeInline, makeWorkers } from "./session.js";

const inline = scenariosOn(makeInline);
const workers = scenariosOn(makeWorkers);
testCopies((title, ...rest) => inline(`inline: ${title}`, ...rest), { writesStored: false });
testCopies((title, ...rest) => workers(`workers: ${title}`, ...rest), { writesStored: true });

inline("inline: what writes to an array of the store fails, and is named", async (t) => {
  const stored = put({ array: new Float64Array(20_000) });
  const write = remote(function write({ array }: { array: Float64Array }) {
    array[9] = 1;
    return array.length;
  });
  const refused = { code: "FAILED_PRECONDITION", message: /^write wrote to a typed array.*slice/ };
  await t.throwsAsync(get(write.remote(stored)), refused);
  const [one, other] = write.options({ name: "write", numReturns: 2 }).remote(stored) as [typeof stored, typeof stored];
  await t.throwsAsync(get(other), { code: "TASK_FAILED" });
  await t.throwsAsync(get(one), { code: "TASK_FAILED" });
  const later = remote(async function write(box: { ref: typeof stored }) {
    const { array } = await get(box.ref);
    await null;
    array[9] = 2;
  });
  await t.throwsAsync(get(later.remote({ ref: stored })), refused);
  class Writer {
    write({ array }: { array: Float64Array }): void {
      array[9] = 3;
    }
    read({ array }: { array: Float64Array }): number {
      return array[9]!;
    }
  }
  const writer = remote(Writer).remote();
  await t.throwsAsync(get(writer.write.remote(stored)), { message: /^Writer\.write wrote/ });
  t.is(await get(writer.read.remote(stored)), 3);
  const copies = remote(({ array }: { array: Float64Array }) => {
    const own = array.slice();
    own[9] = 4;
    return own[9];
  });
  t.is(await get(copies.remote(stored)), 4);
});
