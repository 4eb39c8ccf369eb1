import type { Http2Stream } from "node:http2";
import { Socket } from "node:net";

/** As long as node:http2's own reads. One for all streams: what it holds is used up before the next read. */
const memory = Buffer.allocUnsafeSlow(64 << 10);

/** The keys under which Node's streams look for memory to read into, by the names that Node gives them. */
const keys = keysOf(new Socket({ onread: { buffer: memory, callback: () => true } } as object));
const [buffer, callback, generator] = ["kBuffer", "kBufferCb", "kBufferGen"].map((name) => keys.get(name));
let handleKey: symbol | undefined;

/**
 * Has the bytes that arrive on `stream` read into one piece of memory, and `take` called with each read, which it must use or copy at
 * once; false from it pauses the stream. Returns false, and does nothing, where this Node has no such way: then the stream pushes.
 *
 * Every read of node:http2 makes an ArrayBuffer of 64 KiB. V8 takes fresh ArrayBuffers for growth of the heap and marks all of it
 * after some 30 MB: that costs more than all else in receiving. Sockets have an option that avoids it (`onread`), streams of HTTP/2
 * have the same machinery, but no option. So the option is set where a socket would set it.
 */
export function borrowReads(stream: Http2Stream, take: (chunk: Uint8Array) => boolean): boolean {
  handleKey ??= keysOf(stream).get("kHandle");
  if (buffer === undefined || callback === undefined || generator === undefined || handleKey === undefined)
    return false;
  const inner = stream as unknown as Record<symbol, unknown>;
  const handle = inner[handleKey] as { useUserBuffer?: (memory: Buffer) => void } | undefined;
  if (typeof handle?.useUserBuffer !== "function") return false;
  inner[buffer] = memory;
  inner[callback] = (length: number) => take(memory.subarray(0, length));
  inner[generator] = null;
  handle.useUserBuffer(memory);
  return true;
}

function keysOf(object: object): Map<string | undefined, symbol> {
  return new Map(Object.getOwnPropertySymbols(object).map((key) => [key.description, key]));
}
