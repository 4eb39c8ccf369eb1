import { once } from "node:events";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import test from "ava";

const file = resolve("bridge/flight/dist/transport/borrow-reads.js");
const { borrowReads } = (await import(pathToFileURL(file).href)) as {
  borrowReads(stream: ServerHttp2Stream, take: (chunk: Uint8Array) => boolean): boolean;
};

// It stands on names inside Node: where they have changed, this fails and the package only gets slower.
test("this Node reads what arrives into memory that is used again", async (t) => {
  const sent = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7) ^ (i >>> 8)));
  const got: Buffer[] = [];
  const places = new Set<ArrayBufferLike>();
  const server = createServer();
  server.on("stream", (stream) => {
    const borrowed = borrowReads(stream, (chunk) => {
      places.add(chunk.buffer);
      got.push(Buffer.from(chunk));
      return true;
    });
    stream.resume();
    stream.once("end", () => {
      stream.respond({ ":status": borrowed ? 200 : 500 });
      stream.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = session.request({ ":method": "POST" });
  stream.end(sent);
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  t.is(headers[":status"], 200);
  t.deepEqual(Buffer.concat(got), sent);
  t.is(places.size, 1);
  session.close();
  server.close();
});
