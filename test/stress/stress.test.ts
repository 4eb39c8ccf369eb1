import test from "ava";
import { rooms } from "./rooms.js";

/** Small enough for any machine; `npm run stress` runs all of it. */
const share = 0.02;

for (const { name, bound, run } of rooms) {
  test.serial(`${name}: ${bound}`, async (t) => {
    const { figures, broken } = await run({ seed: 1, share });
    t.log(figures);
    t.deepEqual(broken, []);
  });
}
