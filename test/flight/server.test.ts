import { once } from "node:events";
import { FlightClient, FlightError, type FlightHandlers, FlightServer } from "arrow-flight-node";
import test from "ava";
import { collect, signalled, utf8 } from "./fixtures.js";
import { decodingHandlers, keepHandlers } from "./keep-server.js";
import { runPyarrow, startPython } from "./python.js";
import { serve } from "./serve.js";

test("pyarrow puts a dataset, dictionaries and metadata included, and gets it back", async (t) => {
  const uri = await serve(t, keepHandlers());
  t.deepEqual(await runPyarrow(uri, "round_trip"), {
    results: Array(4).fill("seen note"),
    notes: Array(4).fill("note"),
    equal: true,
  });
});

test("every kind of column comes back to pyarrow as it was", async (t) => {
  t.deepEqual(await runPyarrow(await serve(t, keepHandlers()), "every_kind"), []);
});

test("every kind of column survives being decoded and encoded on the way", async (t) => {
  t.deepEqual(await runPyarrow(await serve(t, decodingHandlers()), "every_kind"), []);
});

test("messages of metadata alone arrive and are answered", async (t) => {
  t.deepEqual(await runPyarrow(await serve(t, keepHandlers()), "metadata_only"), ["seen first", "seen second"]);
});

test("pyarrow discovers datasets and runs actions", async (t) => {
  t.deepEqual(await runPyarrow(await serve(t, keepHandlers()), "discover"), {
    schema: true,
    getSchema: true,
    rows: 1000,
    tickets: ["a/b"],
    listed: [["a", "b"]],
    criteria: [],
    actions: [["echo", "says it again"]],
    echo: ["hello"],
  });
});

test("errors reach pyarrow with their kind and message", async (t) => {
  const handlers = keepHandlers();
  const uri = await serve(t, handlers);
  await runPyarrow(uri, "round_trip");
  const seen = (await runPyarrow(uri, "failures")) as Record<string, { error: string; message: string }>;
  t.is(seen.unknown!.error, "ArrowKeyError");
  t.regex(seen.unknown!.message, /No dataset nowhere\. Put it first\./);
  t.regex(seen.midway!.message, /The disk broke\. Mend it\./);
  t.is(seen.deadline!.error, "FlightTimedOutError");
  t.is(seen.missing!.error, "ArrowNotImplementedError");
  t.regex(seen.missing!.message, /does not answer .*DoExchange/);
  t.is(seen.thrown!.error, "FlightInternalError");
  t.regex(seen.thrown!.message, /a bug in a handler/);
});

test("an error's details reach pyarrow as its extra_info", async (t) => {
  const details = Uint8Array.of(0, 255, 10);
  const kinds = {
    UNAVAILABLE: "FlightUnavailableError",
    UNAUTHENTICATED: "FlightUnauthenticatedError",
    PERMISSION_DENIED: "FlightUnauthorizedError",
    INTERNAL: "FlightInternalError",
  } as const;
  for (const [code, error] of Object.entries(kinds)) {
    const uri = await serve(t, {
      doAction: () => {
        throw new FlightError(code as keyof typeof kinds, "Not now.", { hint: "Later.", details });
      },
    });
    t.deepEqual(await runPyarrow(uri, "details"), { error, message: true, extra_info: "00ff0a" });
  }
});

test("a DoPut that is refused is told so while pyarrow still sends, and the connection goes on", async (t) => {
  const { outcomes, echo } = (await runPyarrow(await serve(t, keepHandlers()), "refused_put")) as {
    outcomes: { message: string }[];
    echo: string[];
  };
  for (const { message } of outcomes) t.regex(message, /Refused: naïve ✓\. Try another\./);
  t.deepEqual(echo, ["on"]);
});

test("without the token nothing is answered, not even what does not exist", async (t) => {
  let asked = 0;
  const handlers: FlightHandlers = {
    authenticate: () => {
      asked++;
    },
    async *doAction({ body }) {
      asked++;
      yield body;
    },
  };
  const uri = await serve(t, handlers, { token: "secret" });
  for (const token of [[], ["wrong"], ["secret2"]]) {
    t.like(await runPyarrow(uri, "with_token", ...token), { error: "FlightUnauthenticatedError" });
  }
  const stranger = new FlightClient(uri, { token: "Secret" });
  t.teardown(() => stranger.close());
  await t.throwsAsync(collect(stranger.listFlights()), { message: /no valid token.*authorization: Bearer/ });
  t.is(asked, 0);
  t.deepEqual(await runPyarrow(uri, "with_token", "secret"), { value: ["in"] });
  t.is(asked, 2);
});

test("authenticate gives the call its identity, or ends it", async (t) => {
  const uri = await serve(t, {
    authenticate: ({ headers }) => {
      const user = headers.get("x-user");
      if (user === undefined) throw new FlightError("UNAUTHENTICATED", "Who are you?", { hint: "Send x-user." });
      return { user };
    },
    async *doAction(_, call) {
      call.setTrailer("x-seen", "yes");
      yield Buffer.from(JSON.stringify([call.method, call.identity, call.peer.startsWith("127.0.0.1:")]));
    },
  });
  const client = new FlightClient(uri, { headers: { "x-user": "ann" } });
  t.teardown(() => client.close());
  const [answer] = await collect(client.doAction({ type: "who" }));
  t.is(utf8(answer!), '["DoAction",{"user":"ann"},true]');
  const nobody = new FlightClient(uri);
  t.teardown(() => nobody.close());
  await t.throwsAsync(collect(nobody.doAction({ type: "who" })), { message: "Who are you? Send x-user." });
});

test("an address that others can reach needs a token", async (t) => {
  for (const host of ["0.0.0.0", "::", "10.1.2.3", "example.org"]) {
    const error = t.throws(() => new FlightServer({}, { host }), { instanceOf: FlightError });
    t.is(error.code, "INVALID_ARGUMENT");
    t.regex(error.message, /there is no token.*listen on 127\.0\.0\.1/);
  }
  t.throws(() => new FlightServer({}, { token: "" }), { message: /no token/ });
  const uri = await serve(t, keepHandlers(), { host: "0.0.0.0", token: "secret" });
  const client = new FlightClient(uri.replace("0.0.0.0", "127.0.0.1"), { token: "secret" });
  t.teardown(() => client.close());
  t.is((await collect(client.listActions())).length, 1);
});

test("a port that is taken is said to be", async (t) => {
  const uri = await serve(t, {});
  const port = Number(uri.split(":").at(-1));
  const error = await t.throwsAsync(new FlightServer({}, { port }).listen(), { instanceOf: FlightError });
  t.is(error.code, "UNAVAILABLE");
  t.regex(error.message, /Cannot listen on 127\.0\.0\.1:\d+.*Choose another port/);
});

test("a DoPut whose client is killed is an error to the handler, and its signal aborts", async (t) => {
  const started = signalled();
  const ended = signalled<unknown>();
  const aborted = signalled<unknown>();
  const uri = await serve(t, {
    async doPut(messages, call) {
      call.signal.addEventListener("abort", () => aborted.resolve(call.signal.reason));
      let count = 0;
      try {
        for await (const _ of messages) if (++count === 5) started.resolve();
        ended.resolve("clean");
      } catch (reason) {
        ended.resolve(reason);
      }
    },
  });
  const client = startPython("client.py", uri, "put_forever");
  await started.promise;
  client.kill("SIGKILL");
  await once(client, "close");
  t.like(await ended.promise, { code: "CANCELLED" });
  t.like(await aborted.promise, { code: "CANCELLED" });
});

test("closing waits for what is under way, refuses what is new, and cuts off at the end of the grace", async (t) => {
  const [begun, go] = [signalled(), signalled()];
  const handlers: FlightHandlers = {
    async *doAction({ type }) {
      if (type === "stuck") yield Buffer.from("first");
      begun.resolve();
      await (type === "stuck" ? new Promise(() => {}) : go.promise);
      yield Buffer.from("done");
    },
  };
  const server = new FlightServer(handlers);
  const { uri } = await server.listen();
  const client = new FlightClient(uri);
  const call = collect(client.doAction({ type: "slow" }));
  await begun.promise;
  const closed = server.close({ graceMs: 60_000 });
  const late = new FlightClient(uri);
  await t.throwsAsync(collect(late.listActions()), { message: /Cannot reach a Flight server at grpc:.*Start it/ });
  go.resolve();
  t.deepEqual((await call).map(utf8), ["done"]);
  await closed;

  const second = new FlightServer(handlers);
  const again = new FlightClient((await second.listen()).uri);
  const results = again.doAction({ type: "stuck" })[Symbol.asyncIterator]();
  t.is(utf8((await results.next()).value), "first");
  const next = t.throwsAsync(async () => results.next(), { message: /The server is closing/ });
  await second.close({ graceMs: 10 });
  await next;
  await Promise.all([client.close(), late.close(), again.close()]);
});
