import test from "ava";
import { get, put, remote, setContext } from "../../src/tasks/index.js";
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
