import { createServer, type Socket } from "node:net";
import { FlightClient, type FlightError } from "arrow-flight-node";
import test, { type ExecutionContext } from "ava";
import { dataFrame, encodeHeaders, http2Frame } from "../flight/http2-bytes.js";

const settings = http2Frame(4, 0, 0, Buffer.alloc(0));
const settingsTaken = http2Frame(4, 1, 0, Buffer.alloc(0));
const answer = encodeHeaders({ ":status": "200", "content-type": "application/grpc" });
const magicLength = 24;
const goaway = http2Frame(7, 0, 0, Buffer.from("0000000000000000", "hex"));

/** What a server says when its client has made a call, after the settings that it owes. */
const lies: Record<string, { says: (socket: Socket) => void; code: RegExp; greets?: boolean }> = {
  "says nothing, not even its settings": { says: () => {}, code: /^(UNAVAILABLE|DEADLINE_EXCEEDED)$/, greets: false },
  "never ends its headers": {
    says: (socket) => {
      socket.write(http2Frame(1, 0, 1, answer));
      const more = http2Frame(9, 0, 1, encodeHeaders({ "x-more": "a".repeat(100) }));
      const block = Buffer.concat(Array<Buffer>(500).fill(more));
      const pump = () => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on("drain", pump);
      pump();
    },
    code: /^UNAVAILABLE$/,
  },
  "sends 1 MB of headers": {
    says: (socket) => {
      const field = encodeHeaders({ "x-more": "a".repeat(100) });
      const fields = Array<Buffer>(Math.ceil(900_000 / field.byteLength)).fill(field);
      socket.write(http2Frame(1, 4, 1, Buffer.concat([answer, ...fields])));
    },
    code: /^(UNAVAILABLE|RESOURCE_EXHAUSTED)$/,
  },
  "announces a message of 4 GiB": {
    says: (socket) =>
      socket.write(Buffer.concat([http2Frame(1, 4, 1, answer), dataFrame(Buffer.from("00ffffffff01", "hex"))])),
    code: /^RESOURCE_EXHAUSTED$/,
  },
  "says goodbye to every connection, again and again": {
    says: (socket) => socket.end(Buffer.concat(Array<Buffer>(1000).fill(goaway))),
    code: /^(UNAVAILABLE|DEADLINE_EXCEEDED)$/,
  },
  "begins an answer and never ends it": {
    says: (socket) => socket.write(http2Frame(1, 4, 1, answer)),
    code: /^DEADLINE_EXCEEDED$/,
  },
  "does not speak HTTP/2": {
    says: (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
    code: /^UNAVAILABLE$/,
    greets: false,
  },
};

async function listen(t: ExecutionContext, serve: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}

for (const [does, { says, code, greets = true }] of Object.entries(lies)) {
  test.serial(`a server that ${does} makes its client's call fail, in bounded time and memory`, async (t) => {
    let connections = 0;
    const port = await listen(t, (socket) => {
      connections++;
      let answered = false;
      if (greets) socket.write(settings);
      let heard = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        if (answered) return;
        heard = Buffer.concat([heard, chunk]);
        if (greets && !hasCall(heard)) return;
        answered = true;
        if (greets) socket.write(settingsTaken);
        says(socket);
      });
    });
    const client = new FlightClient(`grpc://127.0.0.1:${port}`, { connectTimeoutMs: 1000 });
    t.teardown(() => client.close());
    const before = process.memoryUsage.rss();
    const error = await t.throwsAsync<FlightError>(async () => {
      for await (const _ of client.doGet(Buffer.from("x"), { timeoutMs: 2000 }));
    });
    t.regex(error!.code, code, error!.message);
    t.true(process.memoryUsage.rss() - before < 64 << 20);
    t.true(connections < 50, `${connections} connections for one call`);
  });
}

/** Whether HEADERS are among the frames that a client has sent. */
function hasCall(bytes: Buffer): boolean {
  for (let at = magicLength; at + 9 <= bytes.byteLength; at += 9 + bytes.readUIntBE(at, 3)) {
    if (bytes.readUInt8(at + 3) === 1) return true;
  }
  return false;
}
