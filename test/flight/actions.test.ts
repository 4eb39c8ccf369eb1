import {
  type ClientMiddleware,
  createCookieJar,
  FlightClient,
  type FlightHandlers,
  FlightSessions,
} from "arrow-flight-node";
import { parseCookies, parseSetCookies } from "arrow-flight-node/protocol";
import test, { type ExecutionContext } from "ava";
import { collect, utf8 } from "./fixtures.js";
import { runPyarrow } from "./python.js";
import { serve } from "./serve.js";

function connect(t: ExecutionContext, uri: string, ...middleware: ClientMiddleware[]): FlightClient {
  const client = new FlightClient(uri, { middleware });
  t.teardown(() => client.close());
  return client;
}

const info = { endpoints: [{ ticket: Uint8Array.of(7) }], totalRecords: 3, totalBytes: -1 };

test("a query is cancelled and an endpoint renewed, and other actions go on", async (t) => {
  const handlers: FlightHandlers = {
    cancelFlightInfo: ({ endpoints }) => (endpoints[0]!.ticket[0] === 7 ? "CANCELLED" : "NOT_CANCELLABLE"),
    renewFlightEndpoint: (endpoint) => ({ ...endpoint, expirationTime: new Date(1e12 + 1) }),
    *doAction({ body }) {
      yield body;
    },
    listActions: () => [{ type: "echo", description: "says it again" }],
  };
  const client = connect(t, await serve(t, handlers));
  t.is(await client.cancelFlightInfo(info), "CANCELLED");
  t.is(await client.cancelFlightInfo({ ...info, endpoints: [{ ticket: Uint8Array.of(8) }] }), "NOT_CANCELLABLE");
  const renewed = await client.renewFlightEndpoint({ ticket: Uint8Array.of(7), appMetadata: Uint8Array.of(1) });
  t.deepEqual([...renewed.ticket], [7]);
  t.deepEqual([...renewed.appMetadata!], [1]);
  t.deepEqual(renewed.expirationTime, new Date(1e12 + 1));
  t.deepEqual((await collect(client.doAction({ type: "echo", body: Buffer.from("hi") }))).map(utf8), ["hi"]);
  t.deepEqual(
    (await collect(client.listActions())).map(({ type }) => type),
    ["echo", "CancelFlightInfo", "RenewFlightEndpoint"],
  );
});

test("pyarrow sees and calls the standard actions", async (t) => {
  const handlers: FlightHandlers = { cancelFlightInfo: () => "CANCELLING" };
  t.deepEqual(await runPyarrow(await serve(t, handlers), "cancel"), { types: ["CancelFlightInfo"], result: "0802" });
});

test("an action that nobody offers is UNIMPLEMENTED", async (t) => {
  const client = connect(t, await serve(t, { closeSession: () => "CLOSING" }));
  t.is(await client.closeSession(), "CLOSING");
  t.like(await t.throwsAsync(client.getSessionOptions()), { code: "UNIMPLEMENTED" });
});

test("a session keeps what its client sets, by cookie, until it is closed", async (t) => {
  const sessions = new FlightSessions({
    check: (name, value) => (name === "no" ? "INVALID_NAME" : value === "bad" ? "INVALID_VALUE" : undefined),
    maxSessionBytes: 1000,
  });
  const uri = await serve(t, {
    ...sessions.handlers,
    *doAction(_, call) {
      yield Buffer.from(String(sessions.of(call)?.get("text")));
    },
  });
  const [client, other] = [connect(t, uri, createCookieJar()), connect(t, uri, createCookieJar())];
  const values = new Map<string, string | boolean | bigint | number | string[]>([
    ["text", "ünï"],
    ["empty", ""],
    ["yes", true],
    ["off", false],
    ["whole", -(2n ** 63n)],
    ["real", 0],
    ["list", ["a", "", "b"]],
    ["none", []],
  ]);
  const errors = await client.setSessionOptions(new Map([...values, ["no", "x"], ["key", "bad"]]));
  t.deepEqual(
    [...errors],
    [
      ["no", "INVALID_NAME"],
      ["key", "INVALID_VALUE"],
    ],
  );
  t.deepEqual(await client.getSessionOptions(), values);
  t.deepEqual((await collect(client.doAction({ type: "text" }))).map(utf8), ["ünï"]);
  t.is((await other.getSessionOptions()).size, 0);

  t.is(
    (
      await client.setSessionOptions(
        new Map([
          ["text", undefined],
          ["yes", false],
        ]),
      )
    ).size,
    0,
  );
  values.delete("text");
  t.deepEqual(await client.getSessionOptions(), values.set("yes", false));
  const large = await t.throwsAsync(client.setSessionOptions(new Map([["large", "x".repeat(1000)]])));
  t.like(large, { code: "RESOURCE_EXHAUSTED" });
  t.deepEqual(await client.getSessionOptions(), values);

  t.is(await client.closeSession(), "CLOSED");
  t.is((await client.getSessionOptions()).size, 0);
  t.like(await t.throwsAsync(client.closeSession()), { code: "NOT_FOUND" });
  t.like(await t.throwsAsync(client.setSessionOptions(new Map([["whole", 2n ** 63n]]))), { code: "INVALID_ARGUMENT" });
});

test("the session unused for longest is forgotten first", async (t) => {
  const sessions = new FlightSessions({ maxSessions: 2 });
  const uri = await serve(t, sessions.handlers);
  const clients = [1, 2, 3].map(() => connect(t, uri, createCookieJar()));
  const [first, second, third] = clients as [FlightClient, FlightClient, FlightClient];
  await first.setSessionOptions(new Map([["n", 1]]));
  await second.setSessionOptions(new Map([["n", 2]]));
  await first.getSessionOptions();
  await third.setSessionOptions(new Map([["n", 3]]));
  const sizes = await Promise.all(clients.map(async (client) => (await client.getSessionOptions()).size));
  t.deepEqual(sizes, [1, 0, 1]);
});

test("a session that is not used for its time is forgotten", async (t) => {
  for (const [idleTimeoutMs, kept] of [
    [0, 0],
    [60_000, 1],
  ] as const) {
    const sessions = new FlightSessions({ idleTimeoutMs });
    const client = connect(t, await serve(t, sessions.handlers), createCookieJar());
    await client.setSessionOptions(new Map([["n", 1]]));
    t.is((await client.getSessionOptions()).size, kept);
  }
});

test("cookies are read, also several in one header, with dates and ends", (t) => {
  t.deepEqual(
    [...parseCookies('a=1; b="two"; =x; c=3=4')],
    [
      ["a", "1"],
      ["b", "two"],
      ["c", "3=4"],
    ],
  );
  const header =
    "a=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT, b=2; Max-Age=10, c=3; max-age=0, d=4; Expires=Wed, 21 Oct 2099 07:28:00 GMT; HttpOnly";
  t.deepEqual(
    [...parseSetCookies(header, Date.parse("2020-01-01"))],
    [
      ["a", undefined],
      ["b", "2"],
      ["c", undefined],
      ["d", "4"],
    ],
  );
  t.is(parseSetCookies("", 0).size, 0);
});
