import { FlightClient } from "arrow-flight-node";
import test from "ava";
import { runFlood } from "./flood.js";
import { floods } from "./floods/index.js";
import { startTarget } from "./target.js";

const calm = 11;
/** The time that it would take if nothing ended it. */
const longestMs = 30_000;

for (const flood of floods) {
  test.serial(`a flood of ${flood.name} is ended, and told of once`, async (t) => {
    const target = await startTarget({ maxResets: 100 });
    t.teardown(target.stop);
    const honest = new FlightClient(`grpc://127.0.0.1:${target.port}`);
    t.teardown(() => honest.close());
    const call = async () => {
      for await (const answer of honest.doAction({ type: "echo", body: Buffer.of(7) })) t.is(answer[0], 7);
    };
    await call();
    const flooding = runFlood(target, flood, longestMs, 3);
    await call();
    const { connections, goodbyes } = await flooding;
    await call();
    const { incidents } = await target.ask();
    t.is(connections, 3, "a connection was not ended");
    t.true((goodbyes[calm] ?? 0) <= 1, "the address was let in again");
    t.is(incidents.length, 1, JSON.stringify(incidents));
    t.regex(incidents[0]!.cause, /^(flood|resets)$/);
    t.regex(incidents[0]!.peer, /^127\.0\.0\.1:\d+$/);
  });
}
