import { type Door, RawPeer } from "./raw-peer.js";

/** Frames that keep a server busy without asking anything of it. */
export interface Flood {
  name: string;
  /** What is sent before the flood itself. */
  opening?: Buffer;
  /** Called for each connection: gives the bytes to send next, again and again. */
  start(): () => Buffer;
}

/** What a flooder did. */
export interface Flooding {
  connections: number;
  bytes: number;
  /** The codes of the goodbyes that it heard, and how often. */
  goodbyes: Record<number, number>;
}

const blockLength = 256 << 10;

/** The same bytes each time. */
export function repeated(frame: Buffer): () => () => Buffer {
  const block = Buffer.concat(Array<Buffer>(Math.ceil(blockLength / frame.byteLength)).fill(frame));
  return () => () => block;
}

/**
 * Floods a server as fast as it reads, on a new connection whenever one is ended: for the time given, or until that many connections were
 * ended.
 */
export async function runFlood(
  door: Door,
  flood: Flood,
  forMs: number,
  connections = Number.POSITIVE_INFINITY,
): Promise<Flooding> {
  const flooding: Flooding = { connections: 0, bytes: 0, goodbyes: {} };
  const end = performance.now() + forMs;
  while (performance.now() < end && flooding.connections < connections) {
    const peer = new RawPeer(door);
    flooding.connections++;
    const next = flood.start();
    peer.greet(flood.opening ?? Buffer.alloc(0));
    const timer = setTimeout(() => peer.socket.destroy(), end - performance.now());
    while (!peer.socket.destroyed) {
      const block = next();
      flooding.bytes += block.byteLength;
      await peer.send(block);
      // What the server says is heard between two blocks.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await peer.closed;
    clearTimeout(timer);
    if (peer.goaway !== undefined) flooding.goodbyes[peer.goaway] = (flooding.goodbyes[peer.goaway] ?? 0) + 1;
  }
  return flooding;
}
