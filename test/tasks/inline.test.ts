import test from "ava";
import { get, kill, put, remote, setContext } from "../../src/tasks/index.js";
import { makeInline } from "./session.js";
import { testContract } from "./suites.js";

testContract(makeInline);

test.serial("nothing runs before the microtask after the submission", async (t) => {
  const session = await makeInline({});
  const seen: string[] = [];
  const note = remote((text: string) => {
    (globalThis as { seen?: string[] }).seen?.push(text);
  });
  (globalThis as { seen?: string[] }).seen = seen;
  const ref = note.remote("task");
  seen.push("submitted");
  await get(ref);
  t.deepEqual(seen, ["submitted", "task"]);
  await session.close();
});

test.serial(
  "a handle of an ended session calls and ends no actor of the next one, and its scope may end",
  async (t) => {
    class Named {
      readonly #name: string;
      constructor(name: string) {
        this.#name = name;
      }
      name(): string {
        return this.#name;
      }
      toString(): string {
        throw new Error("has no text");
      }
    }
    const first = await makeInline({});
    const old = remote(Named).remote("old");
    await t.throwsAsync(get(old.toString.remote()), { message: /^Named\.toString failed/ });
    await first.close();
    kill(old);
    const second = await makeInline({});
    // It has the number that the old one had.
    const young = remote(Named).remote("young");
    t.throws(() => old.name.remote(), { code: "UNAVAILABLE" });
    kill(old);
    old[Symbol.dispose]();
    t.throws(() => put({ old }), { code: "FAILED_PRECONDITION", message: /handle of Named.*another session/ });
    t.is(await get(young.name.remote()), "young");
    await second.close();
    setContext(undefined);
    young[Symbol.dispose]();
  },
);

test.serial("a remote function that a task of an ended session gave is refused", async (t) => {
  const first = await makeInline({});
  const add = remote((a: number, b: number) => a + b);
  const given = await get(remote(() => ({ add })).remote());
  t.is(await get(given.add.remote(1, 2)), 3);
  await first.close();
  const second = await makeInline({});
  t.throws(() => given.add.remote(1, 2), { code: "FAILED_PRECONDITION", message: /another session/ });
  t.is(await get(add.remote(1, 2)), 3);
  await second.close();
  setContext(undefined);
});

test.serial("a reference of an ended session is refused", async (t) => {
  const first = await makeInline({});
  const ref = put(1);
  await first.close();
  const second = await makeInline({});
  await t.throwsAsync(get(ref), { code: "FAILED_PRECONDITION", message: /another session/ });
  await second.close();
  setContext(undefined);
  await t.throwsAsync(get(ref), { code: "FAILED_PRECONDITION", message: /no session.*ray\.init/ });
});
