import test from "ava";
import { get, getSync, remote, setContext } from "../../src/tasks/index.js";
import { makeInline } from "./session.js";
import { testSyncReads } from "./sync-suite.js";

testSyncReads(makeInline);

test.serial("getSync: what only the event loop could bring is refused, not waited for", async (t) => {
  const session = await makeInline({});
  const later = remote(async () => {
    await null;
    return 1;
  });
  const root = remote(() => getSync(later.remote()));
  await t.throwsAsync(get(root.remote()), { message: /asynchronous.*debug: true.*await get/ });
  await session.close();
  setContext(undefined);
});
