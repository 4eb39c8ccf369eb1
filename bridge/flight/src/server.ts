import { FlightError } from "./error.js";
import type { FlightHandlers } from "./handlers.js";

export interface FlightServerOptions {
  /** The address to listen on. Anything but a loopback address needs a token. Default "127.0.0.1". */
  host?: string | undefined;
  /** 0 lets the system choose. Default 0. */
  port?: number | undefined;
  /** When given, a call without `authorization: Bearer <token>` is refused before any handler runs. */
  token?: string | undefined;
  /** The longest message that is accepted, in bytes. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
  /** How many bytes a peer may send on one stream before they are read: the bound on a slow reader's memory. Default 64 MiB. */
  streamWindow?: number | undefined;
  /** How many calls one connection may have open. Default 1024. */
  maxConcurrentCalls?: number | undefined;
}

/** A Flight server on node:http2. Throws INVALID_ARGUMENT from its constructor when it would be open to the network without a token. */
export class FlightServer {
  constructor(_handlers: FlightHandlers, _options: FlightServerOptions = {}) {}

  /** Starts to listen; rejects UNAVAILABLE when the address is taken. */
  async listen(): Promise<{ port: number; uri: string }> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }

  /** Refuses new calls, lets those in flight finish for `graceMs` (default 10 s), then cuts what is left. */
  async close(_options: { graceMs?: number | undefined } = {}): Promise<void> {}
}
