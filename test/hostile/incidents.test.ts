import { once } from "node:events";
import { connect } from "node:net";
import { FlightClient, FlightServer, type Incident } from "arrow-flight-node";
import test from "ava";
import { http2Frame } from "../flight/http2-bytes.js";
import { RawPeer } from "./raw-peer.js";

function listen(options: ConstructorParameters<typeof FlightServer>[1]) {
  const incidents: Incident[] = [];
  const server = new FlightServer(
    {
      async *doAction({ body }) {
        yield body;
      },
    },
    { onIncident: (incident) => void incidents.push(incident), ...options },
  );
  return { server, incidents };
}

test.serial("what is no HTTP/2 is told of at once, and what follows of its kind later, in one", async (t) => {
  const { server, incidents } = listen({});
  const { port } = await server.listen();
  for (let i = 0; i < 5; i++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await once(socket, "close");
  }
  t.deepEqual(
    incidents.map(({ cause, count }) => [cause, count]),
    [["protocol", 1]],
  );
  await server.close();
  t.deepEqual(
    incidents.map(({ cause, count }) => [cause, count]),
    [
      ["protocol", 1],
      ["protocol", 4],
    ],
  );
});

test.serial("a connection over maxConnections is refused; those there are go on", async (t) => {
  const { server, incidents } = listen({ maxConnections: 1 });
  const { uri, port } = await server.listen();
  const client = new FlightClient(uri);
  const echo = async () => {
    for await (const answer of client.doAction({ type: "echo", body: Buffer.of(1) })) t.is(answer[0], 1);
  };
  await echo();
  const peer = new RawPeer({ port });
  await peer.closed;
  await echo();
  await client.close();
  await server.close();
  t.deepEqual(
    incidents.map(({ cause }) => cause),
    ["connections"],
  );
  t.regex(incidents[0]!.message, /maxConnections/);
});

test.serial("after its penalty an address is let in again", async (t) => {
  const { server, incidents } = listen({ maxOverheadBytes: 1, floodPenaltyMs: 50 });
  const { uri, port } = await server.listen();
  const peer = new RawPeer({ port });
  peer.greet(http2Frame(6, 0, 0, Buffer.alloc(8)));
  await peer.closed;
  t.is(incidents[0]!.cause, "flood");
  await new Promise((resolve) => setTimeout(resolve, 60));
  const client = new FlightClient(uri);
  await t.notThrowsAsync(async () => {
    for await (const _ of client.doAction({ type: "echo" }));
  });
  await client.close();
  await server.close({ graceMs: 0 });
});

test.serial("a large DoPut to a handler that gives up is no flood", async (t) => {
  const incidents: Incident[] = [];
  const server = new FlightServer(
    {
      async doPut() {
        throw new RangeError("enough");
      },
      async *doAction({ body }) {
        yield body;
      },
    },
    { onIncident: (incident) => void incidents.push(incident) },
  );
  const { uri } = await server.listen();
  const client = new FlightClient(uri);
  for await (const _ of client.doAction({ type: "echo" }));
  const messages = () => Array.from({ length: 32 }, () => ({ body: new Uint8Array(1 << 20) }));
  for (let i = 0; i < 4; i++) {
    await t.throwsAsync(
      async () => {
        for await (const _ of client.doPut({ type: "path", path: ["x"] }, messages()));
      },
      { message: /enough/ },
    );
  }
  // Twice as long as the server waits between two looks.
  await new Promise((resolve) => setTimeout(resolve, 600));
  for await (const _ of client.doAction({ type: "echo" }));
  t.deepEqual(incidents, []);
  await client.close();
  await server.close();
});
