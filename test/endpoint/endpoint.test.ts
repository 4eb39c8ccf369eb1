import { tableFromArrays } from "apache-arrow";
import { FlightClient, FlightError } from "arrow-flight-node";
import { encodeSchema, messagesOf } from "arrow-flight-node/ipc";
import test from "ava";
import { runPython } from "./python.js";
import { startRayflight } from "./rayflight-process.js";

test("pyarrow's client puts, lists, reads and asks, and sees its bytes again", async (t) => {
  const rayflight = await startRayflight();
  t.teardown(() => rayflight.end());
  const seen = JSON.parse(await runPython("test/endpoint/endpoint_client.py", rayflight.uri));
  t.is(seen.answer.rows, 10_000);
  t.true(seen.equal);
  t.is(seen.metadata, "here");
  t.is(seen.batches, 10);
  t.is(seen.rowsAfterOverwrite, 5);
  t.deepEqual(seen.flights, ["some/table"]);
  t.deepEqual(seen.schema, ["id", "x", "word", "list"]);
  t.true(["seal", "abort", "describe", "list", "drop", "status"].every((action) => seen.actions.includes(action)));
  t.like(seen.list[0], { dataset: "some/table", version: 2, rows: 5, parts: 1, state: "sealed" });
  t.is(seen.stateRows.datasets, 1);
  t.is(seen.stateRows.nodes, 1);
  t.regex(seen.failures["unknown dataset"], /nothing/);
  t.regex(seen.failures["unknown table"], /Ask for one of .*tasks/);
  t.regex(seen.failures["unknown action"], /Use one of .*seal/);
  t.regex(seen.failures["bad ticket"], /not JSON/);
  t.regex(seen.failures["bad body"], /"transaction"|"mode"/);
});

test("a token is asked for before anything is answered", async (t) => {
  const rayflight = await startRayflight("--token", "secret");
  t.teardown(() => rayflight.end());
  const ask = async (token?: string) => {
    const client = new FlightClient(rayflight.uri, token === undefined ? {} : { token });
    try {
      for await (const _ of client.listFlights());
      return "let in";
    } catch (reason) {
      return reason instanceof FlightError ? reason.code : String(reason);
    } finally {
      await client.close();
    }
  };
  t.is(await ask(), "UNAUTHENTICATED");
  t.is(await ask("wrong"), "UNAUTHENTICATED");
  t.is(await ask("secret"), "let in");
});

test("another address than loopback needs a token", async (t) => {
  const error = await t.throwsAsync(startRayflight("--host", "0.0.0.0"));
  t.regex(error.message, /token/);
});

/** Whether the endpoint is receiving a part right now. */
async function underWay(client: FlightClient): Promise<boolean> {
  for await (const reply of client.doAction({ type: "status" })) {
    const { transactions } = JSON.parse(new TextDecoder().decode(reply)) as { transactions: { receiving: number }[] };
    return transactions.some(({ receiving }) => receiving > 0);
  }
  return false;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  test(`${signal} lets a put that is under way finish, then ends the process cleanly`, async (t) => {
    const rayflight = await startRayflight();
    const client = new FlightClient(rayflight.uri);
    t.teardown(async () => {
      await client.close();
      await rayflight.end("SIGKILL");
    });
    const { schema, batches } = tableFromArrays({ x: Float64Array.of(1, 2, 3) });
    const messages = [{ header: encodeSchema(schema) }, ...messagesOf(batches)];
    const answers = client.doPut({ type: "path", path: ["slow"] }, slowly());
    async function* slowly() {
      yield* messages;
      while (!(await underWay(client)));
      rayflight.child.kill(signal);
      await rayflight.printed(/finishing what is being sealed/);
      yield messages[1]!;
    }
    const replies: unknown[] = [];
    for await (const reply of answers) replies.push(JSON.parse(new TextDecoder().decode(reply)));
    t.like(replies[0], { rows: 6 });
    t.deepEqual(await rayflight.gone, { code: 0, signal: null });
  });
}
