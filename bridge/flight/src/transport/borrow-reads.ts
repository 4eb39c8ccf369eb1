import type { Http2Stream } from "node:http2";
import { Socket } from "node:net";

/** As long as node:http2's own reads. One for all streams: what it holds is used up before the next read. */
const memory = Buffer.allocUnsafeSlow(64 << 10);

/** The keys under which Node's streams look for memory to read into, by the names that Node gives them. */
const keys = keysOf(new Socket({ onread: { buffer: memory, callback: () => true } } as object));
const [buffer, callback, generator] = ["kBuffer", "kBufferCb", "kBufferGen"].map((name) => keys.get(name));
let handleKey: symbol | undefined;

/** What takes the bytes that arrive on a stream. */
export interface ReadTarget {
  /** Where the next bytes may be written at once, if anywhere. */
  room(): Uint8Array | undefined;
  /** So many bytes were written there. */
  wrote(bytes: number): void;
  /** Bytes that were written elsewhere, to be used or copied at once. Returns false to pause the stream. */
  take(chunk: Uint8Array): boolean;
}

/**
 * Has the bytes that arrive on `stream` written where `target` has room for them, or else read into one piece of memory. Returns what
 * takes the room back, to be called before its memory is used for anything else; undefined, having done nothing, where this Node has no
 * such way: then the stream pushes.
 *
 * Every read of node:http2 makes an ArrayBuffer of 64 KiB. V8 takes fresh ArrayBuffers for growth of the heap and marks all of it
 * after some 30 MB: that costs more than all else in receiving. Sockets have an option that avoids it (`onread`), streams of HTTP/2
 * have the same machinery, but no option. So the option is set where a socket would set it.
 */
export function borrowReads(stream: Http2Stream, target: ReadTarget): (() => void) | undefined {
  handleKey ??= keysOf(stream).get("kHandle");
  if (buffer === undefined || callback === undefined || generator === undefined || handleKey === undefined)
    return undefined;
  const inner = stream as unknown as Record<symbol, unknown>;
  const handle = inner[handleKey] as { useUserBuffer?: (memory: Buffer) => void } | undefined;
  if (typeof handle?.useUserBuffer !== "function") return undefined;
  let room: Uint8Array | undefined;
  const readAnew = () => {
    room = undefined;
    inner[buffer] = memory;
    handle.useUserBuffer!(memory);
  };
  inner[callback] = (length: number) => {
    if (room === undefined) return target.take(memory.subarray(0, length));
    target.wrote(length);
    return true;
  };
  inner[generator] = () => {
    room = target.room();
    return room ?? memory;
  };
  readAnew();
  return () => {
    if (room !== undefined && inner[handleKey!] !== undefined) readAnew();
    room = undefined;
  };
}

function keysOf(object: object): Map<string | undefined, symbol> {
  return new Map(Object.getOwnPropertySymbols(object).map((key) => [key.description, key]));
}
