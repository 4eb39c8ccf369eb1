import {
  encodeBasicAuth,
  equalSecrets,
  FlightClient,
  FlightLogins,
  type FlightLoginsOptions,
  FlightServer,
  type ServerCall,
} from "arrow-flight-node";
import { encodeBasicAuth as encode, formatBasic, parseBasic } from "arrow-flight-node/protocol";
import test, { type ExecutionContext } from "ava";
import { collect, signalled, utf8 } from "./fixtures.js";
import { runPyarrow, startPyarrowServer } from "./python.js";

const passwords = new Map([
  ["ann", "secret"],
  ["bob", "ünï:code"],
]);

/** A server that ann and bob may log in to, and that says who calls. */
async function serve(
  t: ExecutionContext,
  options: Partial<FlightLoginsOptions<{ name: string }>> = {},
): Promise<{ uri: string; logins: FlightLogins<{ name: string }> }> {
  const logins = new FlightLogins({
    check: (name, password) => (equalSecrets(password, passwords.get(name) ?? "") ? { name } : undefined),
    ...options,
  });
  const server = new FlightServer({
    ...logins.handlers,
    *doAction(_, { identity }) {
      yield Buffer.from(identity.name);
    },
  });
  t.teardown(() => server.close({ graceMs: 0 }));
  return { uri: (await server.listen()).uri, logins };
}

function connect(t: ExecutionContext, uri: string): FlightClient {
  const client = new FlightClient(uri);
  t.teardown(() => client.close());
  return client;
}

async function who(client: FlightClient, headers: Record<string, string> = {}): Promise<string | undefined> {
  return (await collect(client.doAction({ type: "who" }, { headers }))).map(utf8)[0];
}

test("pyarrow's client logs in by header and by payload, and is refused with another password", async (t) => {
  const { uri } = await serve(t);
  for (const how of ["header", "payload"]) {
    t.deepEqual(await runPyarrow(uri, "log_in", how, "bob", "ünï:code"), { value: ["bob"] }, how);
    for (const [name, password] of [
      ["ann", "wrong"],
      ["nobody", "secret"],
      ["ann", ""],
    ] as const) {
      t.like(await runPyarrow(uri, "log_in", how, name, password), { error: "FlightUnauthenticatedError" });
    }
  }
});

test("a client logs in to pyarrow's server that takes the password by header, and carries its token from then on", async (t) => {
  const server = await startPyarrowServer("bearer");
  t.teardown(() => server.stop());
  const client = connect(t, server.uri);
  t.like(await t.throwsAsync(who(client)), { code: "UNAUTHENTICATED" });
  t.like(await t.throwsAsync(client.authenticateBasic("ann", "wrong")), { code: "UNAUTHENTICATED" });
  t.is(await client.authenticateBasic("ann", "secret"), "token of ann");
  t.is((await collect(client.listActions())).length, 2);
  const other = connect(t, server.uri);
  t.is((await collect(other.listActions({ headers: { authorization: "Bearer token of ann" } }))).length, 2);
});

test("a client logs in to pyarrow's server that takes the password by payload", async (t) => {
  const server = await startPyarrowServer("basic");
  t.teardown(() => server.stop());
  const client = connect(t, server.uri);
  const wrong = encodeBasicAuth({ username: "ann", password: "wrong" });
  t.like(await t.throwsAsync(client.authenticate([wrong])), { code: "UNAUTHENTICATED" });
  t.is(utf8(await client.authenticate([encodeBasicAuth({ username: "ann", password: "secret" })])), "token of ann");
  t.is(await who(client), "ann");
});

test("a token is good for its own login alone, until it is revoked", async (t) => {
  const { uri, logins } = await serve(t);
  const [ann, bob] = [connect(t, uri), connect(t, uri)];
  const first = await ann.authenticateBasic("ann", "secret");
  const second = await ann.authenticateBasic("ann", "secret");
  await bob.authenticate([encodeBasicAuth({ username: "bob", password: "ünï:code" })]);
  t.not(first, second);
  t.deepEqual([await who(ann), await who(bob)], ["ann", "bob"]);
  t.is(logins.revoke(second), 1);
  t.is(logins.revoke(second), 0);
  t.like(await t.throwsAsync(who(ann)), { code: "UNAUTHENTICATED" });
  t.is(await who(ann, { authorization: `bearer ${first}` }), "ann");
  t.is(
    logins.revoke(({ name }) => name === "ann"),
    1,
  );
  t.like(await t.throwsAsync(who(ann, { authorization: `Bearer ${first}` })), { code: "UNAUTHENTICATED" });
  t.is(await who(bob), "bob");
  for (const authorization of ["Bearer ", "Bearer", "Basic", "Basic YQ==", "Negotiate abc"]) {
    t.like(await t.throwsAsync(who(connect(t, uri), { authorization })), { code: "UNAUTHENTICATED" }, authorization);
  }
});

test("a password may come with every call instead", async (t) => {
  const { uri } = await serve(t);
  t.is(await who(connect(t, uri), { authorization: formatBasic({ username: "ann", password: "secret" }) }), "ann");
});

test("a token ends with its time, and the oldest when there are too many", async (t) => {
  const ended = await serve(t, { tokenLifetimeMs: 0 });
  const late = connect(t, ended.uri);
  await late.authenticateBasic("ann", "secret");
  await t.throwsAsync(who(late), { code: "UNAUTHENTICATED", message: /Shake hands with name and password/ });

  const few = await serve(t, { maxTokens: 2 });
  const clients = [1, 2, 3].map(() => connect(t, few.uri));
  for (const client of clients) await client.authenticateBasic("ann", "secret");
  t.like(await t.throwsAsync(who(clients[0]!)), { code: "UNAUTHENTICATED" });
  t.deepEqual([await who(clients[1]!), await who(clients[2]!)], ["ann", "ann"]);
});

test("check may wait, sees the call, and what it throws is the answer", async (t) => {
  const go = signalled();
  const peers: string[] = [];
  const { uri } = await serve(t, {
    async check(name: string, _: string, call: ServerCall) {
      peers.push(`${call.method} ${call.peer}`);
      await go.promise;
      if (name === "eve") throw new Error("the directory is down");
      return { name };
    },
  });
  const client = connect(t, uri);
  const [eve, ann] = [client.authenticateBasic("eve", ""), client.authenticateBasic("ann", "")];
  go.resolve();
  t.like(await t.throwsAsync(eve), { code: "INTERNAL", message: "the directory is down" });
  t.is(typeof (await ann), "string");
  t.regex(peers[0]!, /^Handshake 127\.0\.0\.1:\d+$/);
});

test("a password does not leave this machine in plain text unless that is asked for", async (t) => {
  const away = connect(t, "grpc://192.0.2.1:9");
  const message = /anyone to read.*grpc\+tls/;
  await t.throwsAsync(away.authenticateBasic("ann", "secret"), { code: "FAILED_PRECONDITION", message });
  const options = { plaintext: true, timeoutMs: 1 };
  t.notRegex((await t.throwsAsync(away.authenticateBasic("ann", "secret", options)))!.message, message);
});

test("a handshake that gives no token, and a name that no header can carry, are errors that say what to do", async (t) => {
  const server = new FlightServer({ handshake: () => [] });
  t.teardown(() => server.close({ graceMs: 0 }));
  const client = connect(t, (await server.listen()).uri);
  const message = /answered no bearer token.*encodeBasicAuth/;
  await t.throwsAsync(client.authenticateBasic("ann", "secret"), { code: "UNAUTHENTICATED", message });
  t.like(await t.throwsAsync(client.authenticateBasic("a:b", "secret")), { code: "INVALID_ARGUMENT" });
});

test("who is not known yet sends short messages only", async (t) => {
  const client = connect(t, (await serve(t)).uri);
  const long = encodeBasicAuth({ username: "ann", password: "x".repeat(65_536) });
  t.like(await t.throwsAsync(client.authenticate([long])), { code: "RESOURCE_EXHAUSTED" });
  await client.authenticateBasic("ann", "secret");
  t.is((await collect(client.doAction({ type: "who", body: long }))).length, 1);
});

test("a name and a password are read as they were written", (t) => {
  for (const basic of [
    { username: "ann", password: "a:b c" },
    { username: "", password: "" },
    { username: "ü", password: "\n" },
  ]) {
    t.deepEqual(parseBasic(formatBasic(basic)), basic);
  }
  for (const header of ["", "Basic", "Basic !", "Bearer YTpi", "Basic YQ=="])
    t.is(parseBasic(header), undefined, header);
  t.is(encode, encodeBasicAuth);
});
