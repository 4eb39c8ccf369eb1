import type { Http2Session } from "node:http2";

/** What both ends of a connection may set. */
export interface TransportOptions {
  maxMessageBytes: number;
  streamWindow: number;
}

export const defaultTransport: TransportOptions = {
  maxMessageBytes: 256 << 20,
  streamWindow: 64 << 20,
};

/** How long a peer has for a sign of life, as with all of gRPC. */
export const defaultKeepaliveTimeoutMs = 20_000;

const largestWindow = 2 ** 31 - 1;

/** Frames of 1 MiB: the default of 16 KiB costs a third of the throughput. */
export function http2Settings({ streamWindow }: TransportOptions): {
  settings: { initialWindowSize: number; maxFrameSize: number };
  maxSessionMemory: number;
} {
  // The memory limit counts what is queued, in MB; its default of 10 would refuse calls under load. The windows bound it instead.
  return { settings: { initialWindowSize: streamWindow, maxFrameSize: 1 << 20 }, maxSessionMemory: 1024 };
}

/** What a connection may have before a call on it was admitted: HTTP/2's default window, short messages, and a few calls. */
export const strangersWindow = 2 ** 16 - 1;
export const strangersMessageBytes = 2 ** 16;
export const strangersCalls = 100;

/** A connection's own window must not slow its streams. It is no bound: node:http2 renews it as data comes, read or not. */
export function widenSession(session: Http2Session, { streamWindow }: TransportOptions): void {
  session.setLocalWindowSize(Math.min(4 * streamWindow, largestWindow));
}
