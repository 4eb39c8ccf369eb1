import { FlightClient, FlightServer } from "arrow-flight-node";
import test from "ava";

/** Keeps the processor busy for some milliseconds, as making a batch does. */
function work(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test("a producer of small messages that never waits lets timers, cancels and other calls have their turn", async (t) => {
  let timerRan = false;
  let made = 0;
  const server = new FlightServer({
    *doGet() {
      setTimeout(() => {
        timerRan = true;
      }, 0);
      for (; !timerRan && made < 2000; made++) {
        work(1);
        yield { header: new Uint8Array(64) };
      }
    },
  });
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(() => client.close());
  t.teardown(() => server.close({ graceMs: 0 }));
  for await (const _ of client.doGet(Buffer.from("many")));
  t.true(timerRan && made < 200, `${made} messages were made before a timer ran`);
});
