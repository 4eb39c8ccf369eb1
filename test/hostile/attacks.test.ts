import test from "ava";
import { attacks } from "./attacks/index.js";
import { startTarget } from "./target.js";

/** Small enough for any machine; `npm run hostile` runs all of it. */
const share = 0.02;

for (const attack of attacks) {
  test.serial(`${attack.name}: ${attack.bound}`, async (t) => {
    const target = await startTarget({ ...attack.options, handshakeTimeoutMs: 700, firstCallTimeoutMs: 700 });
    t.teardown(target.stop);
    const { figures, holds } = await attack.run(target, share);
    t.true(holds, figures);
  });
}
