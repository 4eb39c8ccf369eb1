import {
  type ClientMiddleware,
  FlightClient,
  FlightError,
  FlightServer,
  type ServerMiddleware,
} from "arrow-flight-node";
import test from "ava";
import { collect, signalled } from "./fixtures.js";
import { keepHandlers } from "./keep-server.js";
import { runPyarrow, startPyarrowServer } from "./python.js";

/** Sends the header x-tag back, and keeps how calls ended. */
function tagBack(ends: string[]): ServerMiddleware {
  return (call) => {
    call.setHeader("x-tag", `${call.headers.get("x-tag")} again`);
    return (error) => {
      ends.push(`${call.method} ${error?.code ?? "OK"}`);
      call.setTrailer("x-end", "told");
    };
  };
}

/** Sends x-tag and keeps what comes back and how calls ended. */
function tag(seen: string[]): ClientMiddleware {
  return ({ method, headers }) => {
    headers.set("x-tag", "ann");
    return {
      received: (answer) => {
        for (const name of ["x-tag", "x-end"]) if (answer.has(name)) seen.push(`${name}: ${answer.get(name)}`);
      },
      ended: (error) => seen.push(`${method} ${error?.code ?? "OK"}`),
    };
  };
}

async function endOf(seen: string[], calls: number): Promise<void> {
  while (seen.filter((line) => /^[A-Z]/.test(line)).length < calls) await new Promise(setImmediate);
}

test("pyarrow's middleware gets the server's headers, also of a call that fails", async (t) => {
  const ends: string[] = [];
  const server = new FlightServer(keepHandlers(), { middleware: [tagBack(ends)] });
  const { uri } = await server.listen();
  t.teardown(() => server.close({ graceMs: 0 }));
  t.deepEqual(await runPyarrow(uri, "middleware"), {
    seen: ["ann again", "ann again"],
    failed: "FlightInternalError",
  });
  t.deepEqual(ends, ["DoAction OK", "DoAction INTERNAL"]);
});

test("a client's middleware gets the headers of pyarrow's server, also of a call that fails", async (t) => {
  const server = await startPyarrowServer("middleware");
  const seen: string[] = [];
  const client = new FlightClient(server.uri, { middleware: [tag(seen)] });
  t.teardown(async () => {
    await client.close();
    await server.stop();
  });
  await collect(client.doAction({ type: "echo" }));
  await endOf(seen, 1);
  await t.throwsAsync(collect(client.doAction({ type: "throw" })));
  await endOf(seen, 2);
  t.like(seen, ["x-tag: ann again", "DoAction OK", "x-tag: ann again"]);
  t.regex(seen[3]!, /^DoAction (?!OK)/);
});

test("middleware on both sides is told of every end: refused, left early, cancelled, unreachable", async (t) => {
  const [ends, seen]: [string[], string[]] = [[], []];
  const server = new FlightServer(keepHandlers(), { middleware: [tagBack(ends)], token: "secret" });
  const { uri } = await server.listen();
  const options = { middleware: [tag(seen)] };
  const [stranger, client] = [new FlightClient(uri, options), new FlightClient(uri, { ...options, token: "secret" })];
  t.teardown(() => Promise.all([stranger.close(), client.close()]));

  await t.throwsAsync(collect(stranger.listActions()));
  await endOf(seen, 1);
  t.deepEqual(seen.splice(0), ["x-tag: ann again", "x-end: told", "ListActions UNAUTHENTICATED"]);

  for await (const _ of client.doAction({ type: "echo", body: Buffer.from("x") })) break;
  await endOf(seen, 1);
  t.is(seen.splice(0).at(-1), "DoAction CANCELLED");

  const abort = new AbortController();
  const hanging = collect(client.doAction({ type: "hang" }, { signal: abort.signal }));
  await collect(client.listActions());
  await endOf(seen, 1);
  seen.splice(0);
  abort.abort();
  await t.throwsAsync(hanging);
  await endOf(seen, 1);
  t.is(seen.splice(0).at(-1), "DoAction CANCELLED");

  await server.close({ graceMs: 0 });
  t.is(ends[0], "ListActions UNAUTHENTICATED");
  t.is(ends.length, 4);
  await t.throwsAsync(collect(client.listActions()), { message: /Cannot reach/ });
  t.deepEqual(seen, ["ListActions UNAVAILABLE"]);
});

test("middleware that throws refuses the call, and those before it hear of it", async (t) => {
  const refuse = () => {
    throw new FlightError("RESOURCE_EXHAUSTED", "Too many calls.", { hint: "Wait." });
  };
  const [ends, seen]: [string[], string[]] = [[], []];
  const server = new FlightServer(keepHandlers(), { middleware: [tagBack(ends), refuse] });
  const { uri } = await server.listen();
  const client = new FlightClient(uri);
  const careful = new FlightClient(uri, { middleware: [tag(seen), refuse] });
  t.teardown(() => Promise.all([client.close(), careful.close(), server.close({ graceMs: 0 })]));
  t.like(await t.throwsAsync(collect(client.listActions())), { code: "RESOURCE_EXHAUSTED" });
  t.deepEqual(ends, ["ListActions RESOURCE_EXHAUSTED"]);
  t.like(await t.throwsAsync(collect(careful.listActions())), { code: "RESOURCE_EXHAUSTED" });
  t.deepEqual(seen, ["ListActions RESOURCE_EXHAUSTED"]);
});

test("middleware may wait on both sides, and a call that ends meanwhile is told of all the same", async (t) => {
  const [ends, seen]: [string[], string[]] = [[], []];
  const asked = signalled();
  const left = signalled();
  const patient: ServerMiddleware = async (call) => {
    if (call.headers.get("x-tag") === "left") {
      asked.resolve();
      await left.promise;
    }
    return tagBack(ends)(call);
  };
  const server = new FlightServer(keepHandlers(), { middleware: [patient] });
  const { uri } = await server.listen();
  const token = signalled<string>();
  const fetching: ClientMiddleware = async (call) => {
    const observer = tag(seen)(call);
    call.headers.set("x-tag", await token.promise);
    return observer;
  };
  const slow = new FlightClient(uri, { middleware: [fetching] });
  const plain = new FlightClient(uri);
  t.teardown(() => Promise.all([slow.close(), plain.close(), server.close({ graceMs: 0 })]));

  await t.throwsAsync(collect(slow.listActions({ timeoutMs: 20 })), { code: "DEADLINE_EXCEEDED" });
  token.resolve("fetched");
  await endOf(seen, 1);
  t.deepEqual(seen.splice(0), ["ListActions DEADLINE_EXCEEDED"]);
  t.is((await collect(slow.listActions())).length, 1);
  await endOf(seen, 1);
  t.deepEqual(seen, ["x-tag: fetched again", "x-end: told", "ListActions OK"]);

  const abort = new AbortController();
  const call = collect(plain.listActions({ headers: { "x-tag": "left" }, signal: abort.signal }));
  await asked.promise;
  abort.abort();
  await t.throwsAsync(call, { code: "CANCELLED" });
  await collect(plain.listActions());
  left.resolve();
  while (ends.length < 3) await new Promise(setImmediate);
  t.deepEqual(ends.sort(), ["ListActions CANCELLED", "ListActions OK", "ListActions OK"]);
});

test("trace headers pass from pyarrow through one server to the next", async (t) => {
  const last = new FlightServer({
    *doAction(_, { headers }) {
      yield Buffer.from(`${headers.get("traceparent")} ${headers.get("tracestate")}`);
    },
  });
  const behind = new FlightClient((await last.listen()).uri);
  const first = new FlightServer({
    async *doAction(action, { headers, signal }) {
      const trace = [...headers].filter(([name]) => /^(traceparent|tracestate|baggage)$/.test(name));
      yield* behind.doAction(action, { headers: Object.fromEntries(trace), signal });
    },
  });
  const { uri } = await first.listen();
  t.teardown(() => Promise.all([behind.close(), first.close({ graceMs: 0 }), last.close({ graceMs: 0 })]));
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  t.deepEqual(await runPyarrow(uri, "traced", traceparent), [`${traceparent} vendor=1`]);
});

test("a header that comes too late is an error of the handler", async (t) => {
  const late = signalled<unknown>();
  const server = new FlightServer({
    *doAction(_, call) {
      yield Buffer.from("first");
      try {
        call.setHeader("x-late", "1");
      } catch (reason) {
        late.resolve(reason);
      }
    },
  });
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(() => Promise.all([client.close(), server.close({ graceMs: 0 })]));
  await collect(client.doAction({ type: "any" }));
  t.like(await late.promise, { code: "FAILED_PRECONDITION" });
});
