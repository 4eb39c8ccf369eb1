import { once } from "node:events";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import test, { type ExecutionContext } from "ava";

interface ReadTarget {
  room(): Uint8Array | undefined;
  wrote(bytes: number): void;
  take(chunk: Uint8Array): boolean;
}

const file = resolve("bridge/flight/dist/transport/borrow-reads.js");
const { borrowReads } = (await import(pathToFileURL(file).href)) as {
  borrowReads(stream: ServerHttp2Stream, target: ReadTarget): (() => void) | undefined;
};

const sent = Buffer.from(Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 7) ^ (i >>> 8)));

/** Sends the bytes to a server whose streams are read as `borrow` says; returns its status: 200 where reads can be borrowed. */
async function send(t: ExecutionContext, borrow: (stream: ServerHttp2Stream) => unknown): Promise<number> {
  const server = createServer();
  server.on("stream", (stream) => {
    const borrowed = borrow(stream);
    stream.resume();
    stream.once("end", () => {
      stream.respond({ ":status": borrowed === undefined ? 500 : 200 });
      stream.end();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.teardown(() => {
    session.close();
    server.close();
  });
  const stream = session.request({ ":method": "POST" });
  stream.end(sent);
  const [headers] = (await once(stream, "response")) as [{ ":status": number }];
  return headers[":status"];
}

// These stand on names inside Node: where they have changed, these fail and the package only gets slower.
test("this Node reads what arrives into memory that is used again", async (t) => {
  const got: Buffer[] = [];
  const places = new Set<ArrayBufferLike>();
  const take = (chunk: Uint8Array) => {
    places.add(chunk.buffer);
    got.push(Buffer.from(chunk));
    return true;
  };
  t.is(await send(t, (stream) => borrowReads(stream, { room: () => undefined, wrote: () => t.fail(), take })), 200);
  t.deepEqual(Buffer.concat(got), sent);
  t.is(places.size, 1);
});

test("this Node reads what arrives into where there is room, no more than there is, and no longer than it is lent", async (t) => {
  const received = Buffer.alloc(sent.byteLength);
  const lent = Buffer.from(new SharedArrayBuffer(300_000));
  const lengths = [1, 100_000, 7, 0];
  let at = 0;
  let end = 0;
  let takeBack: (() => void) | undefined;
  const target: ReadTarget = {
    room() {
      if (at === end) end += lengths.shift() ?? 0;
      // The last piece of room is for more than will come before it is taken back.
      if (lengths.length === 0 && takeBack !== undefined) return lent;
      return at === end ? undefined : received.subarray(at, end);
    },
    wrote(bytes) {
      if (lengths.length > 0) {
        at += bytes;
        t.true(at <= end);
        return;
      }
      lent.copy(received, at, 0, bytes);
      at += bytes;
      end = at;
      takeBack!();
      takeBack = undefined;
      lent.fill(0);
    },
    take(chunk) {
      received.set(chunk, at);
      at += chunk.byteLength;
      end = at;
      return true;
    },
  };
  const borrow = (stream: ServerHttp2Stream) => {
    takeBack = borrowReads(stream, target);
    return takeBack;
  };
  t.is(await send(t, borrow), 200);
  t.is(at, sent.byteLength);
  t.deepEqual(received, sent);
  t.true(lent.every((byte) => byte === 0));
});
