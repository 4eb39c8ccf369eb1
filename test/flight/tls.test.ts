import { readFileSync } from "node:fs";
import path from "node:path";
import { FlightClient, FlightError, type FlightHandlers, FlightServer } from "arrow-flight-node";
import test, { type ExecutionContext } from "ava";
import { collect, utf8 } from "./fixtures.js";
import { runPyarrow, startPyarrowServer } from "./python.js";
import { serve } from "./serve.js";

/** A server's certificate and two clients', each signed by itself; make.sh beside them says how. */
const folder = path.resolve("test/fixtures/flight/tls");

const pem = (name: string) => readFileSync(path.join(folder, name));
const identity = (name: string) => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`) });
const ca = pem("server.pem");

const who: FlightHandlers = {
  authenticate: ({ peer, certificate }) => certificate?.subject.CN ?? peer,
  *doAction(_, { identity }) {
    yield Buffer.from(String(identity));
  },
};

function ask(t: ExecutionContext, uri: string, tls?: ConstructorParameters<typeof FlightClient>[1]): Promise<string[]> {
  const client = new FlightClient(uri, tls);
  t.teardown(() => client.close());
  return collect(client.doAction({ type: "who" })).then((results) => results.map(utf8));
}

test("pyarrow's client speaks TLS, and only to a server that it trusts", async (t) => {
  const uri = await serve(t, who, { tls: identity("server") });
  t.regex(uri, /^grpc\+tls:\/\/127\.0\.0\.1:\d+$/);
  t.regex(((await runPyarrow(uri, "secure", folder)) as { value: string[] }).value[0]!, /^127\.0\.0\.1:\d+$/);
  const impostor = await serve(t, who, { tls: identity("stranger") });
  t.is(((await runPyarrow(impostor, "secure", folder)) as { error: string }).error, "FlightUnavailableError");
});

test("with mTLS a server knows pyarrow's client by its certificate, and lets in no other", async (t) => {
  const uri = await serve(t, who, { tls: { ...identity("server"), clientCa: pem("ann.pem") } });
  t.deepEqual(await runPyarrow(uri, "secure", folder, "ann"), { value: ["ann"] });
  for (const others of [["stranger"], []]) {
    t.is(((await runPyarrow(uri, "secure", folder, ...others)) as { error: string }).error, "FlightUnavailableError");
  }
});

test("a client shows its certificate to pyarrow's server, and is refused without", async (t) => {
  const server = await startPyarrowServer("secure", folder);
  t.teardown(() => server.stop());
  const uri = server.uri.replace("grpc:", "grpc+tls:");
  t.is((await ask(t, uri, { tls: { ca, ...identity("ann") } })).length, 1);
  t.like(await t.throwsAsync(ask(t, uri, { tls: { ca } })), { code: "UNAVAILABLE" });
  t.like(await t.throwsAsync(ask(t, uri, { tls: { ca, ...identity("stranger") } })), { code: "UNAVAILABLE" });
});

test("a client trusts no certificate that nobody vouches for, or that is another's", async (t) => {
  const uri = await serve(t, who, { tls: { ...identity("server"), clientCa: [pem("ann.pem")] } });
  t.deepEqual(await ask(t, uri, { tls: { ca: [ca], ...identity("ann") } }), ["ann"]);
  const own = identity("ann");
  t.like(await t.throwsAsync(ask(t, uri, { tls: own })), { code: "UNAVAILABLE" });
  t.like(await t.throwsAsync(ask(t, uri, { tls: { ca, ...own, serverName: "other.org" } })), { code: "UNAVAILABLE" });
  t.throws(() => new FlightClient("grpc://127.0.0.1:1", { tls: { ca } }), { instanceOf: FlightError });
});

test("another address than loopback needs more than TLS: a token, clients' certificates, or who authenticates", (t) => {
  const tls = identity("server");
  t.throws(() => new FlightServer({}, { host: "0.0.0.0", tls }), { message: /there is no token/ });
  t.notThrows(() => new FlightServer({}, { host: "0.0.0.0", tls: { ...tls, clientCa: pem("ann.pem") } }));
  t.notThrows(() => new FlightServer(who, { host: "0.0.0.0", tls }));
});

test("a Unix socket serves pyarrow's client and this one, and is gone after the end", async (t) => {
  const socket = path.join(folder, "node.sock");
  const server = new FlightServer(who, { path: socket });
  const { uri } = await server.listen();
  t.is(uri, `grpc+unix://${socket}`);
  t.deepEqual(await runPyarrow(uri, "who"), ["unix"]);
  t.deepEqual(await ask(t, uri), ["unix"]);
  t.like(await t.throwsAsync(new FlightServer(who, { path: socket }).listen()), { code: "UNAVAILABLE" });
  await server.close({ graceMs: 0 });
  t.like(await t.throwsAsync(ask(t, uri)), { code: "UNAVAILABLE" });
});

test("a client reaches pyarrow's server on a Unix socket", async (t) => {
  const socket = path.join(folder, "pyarrow.sock");
  const server = await startPyarrowServer("unix", socket);
  t.teardown(() => server.stop());
  t.is((await ask(t, `grpc+unix://${socket}`)).length, 1);
});
