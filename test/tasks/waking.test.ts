import { get, remote, type TaskOptions } from "../../src/tasks/index.js";
import { scenariosOn } from "./scenario.js";
import { makeWorkers } from "./session.js";

const scenario = scenariosOn(makeWorkers);

/**
 * A worker whose task waits for an object idles: it may be woken for a new call. When its task goes on at that moment and
 * computes for long, somebody else must take the call. Here the task even waits for the call, with its thread blocked.
 */
function goesOnAndBlocks(how: string, options: TaskOptions): void {
  scenario(`a call is not left to a worker whose task has just gone on (${how})`, async (t, session) => {
    for (let round = 0; round < 4; round++) {
      const flags = new Int32Array(new SharedArrayBuffer(12));
      const hold = remote(async () => {
        while (Atomics.load(flags, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        return "held";
      });
      const parent = remote(async ({ ref }: { ref: ReturnType<typeof hold.remote> }) => {
        Atomics.store(flags, 0, 1);
        const held = await get(ref);
        Atomics.store(flags, 1, 1);
        return `${held}, ${Atomics.wait(flags, 2, 0, 30_000)}`;
      }, options);
      const release = remote(() => {
        Atomics.store(flags, 2, 1);
        Atomics.notify(flags, 2);
      });
      const parents = parent.remote({ ref: hold.remote() });
      await null;
      while (Atomics.load(flags, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      // The other worker has come to rest by then.
      await session.load();
      const released = release.remote();
      const [said] = await get([parents, released]);
      t.true(said === "held, ok" || said === "held, not-equal", said);
    }
  });
}

goesOnAndBlocks("from a board", {});
goesOnAndBlocks("by the node", { numCpus: 0.5 });
