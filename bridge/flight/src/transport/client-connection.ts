import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectSocket, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { FlightError } from "../error.js";
import { type Address, formatLocation } from "../protocol/location.js";
import type { ClientTls } from "../tls.js";
import { type KeepaliveOptions, keepAlive } from "./keepalive.js";
import { http2Settings, type TransportOptions, widenSession } from "./settings.js";

/** How long a goodbye may take to be sent. */
const lastWordsMs = 250;

export interface ConnectionOptions extends TransportOptions, KeepaliveOptions {
  connectTimeoutMs: number;
  tls: ClientTls | undefined;
}

/**
 * One HTTP/2 connection to a server, from its first byte to its end. `ready` resolves once the server has sent its settings, and
 * rejects UNAVAILABLE when it has not within the time.
 */
export class ClientConnection {
  readonly ready: Promise<void>;
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  /** Whether `ready` has resolved. */
  isReady = false;
  readonly #session: ClientHttp2Session;
  readonly #socket: Socket;
  readonly #uri: string;
  /** Those that wait for a place, the first first. */
  readonly #waiting = new Set<(admitted: boolean) => void>();
  #calls = 0;
  /** How many calls the server takes at once. */
  #maxCalls = Number.POSITIVE_INFINITY;
  #leaving = false;
  /** The last stream that the server took before it said goodbye. */
  #lastStream = Number.POSITIVE_INFINITY;
  #cause: Error | undefined;

  constructor(address: Address, options: ConnectionOptions) {
    this.#uri = formatLocation(address);
    this.#socket = openSocket(address, options.tls);
    const { settings, maxSessionMemory } = http2Settings(options);
    this.#session = connect(`${address.tls ? "https" : "http"}://${authorityOf(address)}`, {
      createConnection: () => this.#socket,
      settings: { ...settings, enablePush: false },
      maxSessionMemory,
    });
    this.ready = this.#greet(options);
    // A caller that gave up waits no more.
    this.ready.catch(() => {});
    const session = this.#session;
    this.ended = new Promise((resolve) => session.once("close", () => resolve()));
    session.on("error", (cause: Error) => {
      this.#cause ??= cause;
    });
    session.on("remoteSettings", ({ maxConcurrentStreams }) => {
      this.#maxCalls = maxConcurrentStreams ?? Number.POSITIVE_INFINITY;
      this.#admitWaiting();
    });
    session.on("goaway", (code, lastStream, data) => {
      const words = data === undefined || data.byteLength === 0 ? "" : `: ${Buffer.from(data).toString()}`;
      if (code !== 0) this.#cause ??= new Error(`the server ended the connection with HTTP/2 code ${code}${words}`);
      this.#lastStream = lastStream;
      this.#leave();
    });
    session.once("close", () => this.#leave());
    const dead = () => this.#kill(`the server gave no sign of life within ${options.keepaliveTimeoutMs} ms`);
    keepAlive(session, options, () => this.#calls > 0, dead);
  }

  /** Whether new calls may go here. */
  get usable(): boolean {
    return !this.#leaving && !this.#session.destroyed && !this.#session.closed;
  }

  /** Whether the connection is gone; `cause` says why where that is known. */
  get lost(): boolean {
    return this.#session.destroyed;
  }

  get cause(): Error | undefined {
    return this.#cause;
  }

  /**
   * Takes a place among the calls that the server takes at once; `release` gives it back. Where none is free the promise waits for one; it
   * resolves with false when the connection takes no more calls, and rejects when `signal` aborts. Throws when it has.
   */
  admit(signal: AbortSignal): true | Promise<boolean> {
    signal.throwIfAborted();
    if (!this.usable) return Promise.resolve(false);
    if (this.#calls < this.#maxCalls) {
      this.#hold();
      return true;
    }
    return new Promise((resolve, reject) => {
      const give = (admitted: boolean) => {
        signal.removeEventListener("abort", abort);
        resolve(admitted);
      };
      const abort = () => {
        this.#waiting.delete(give);
        reject(signal.reason);
      };
      this.#waiting.add(give);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  release(): void {
    this.#calls--;
    // A connection without calls does not keep the program alive.
    if (this.#calls === 0) this.#session.unref();
    this.#admitWaiting();
  }

  /** Starts a stream in the place of an admitted call. Throws UNAVAILABLE, and gives the place back, when it is too late. */
  start(headers: OutgoingHttpHeaders): ClientHttp2Stream {
    try {
      const stream = this.#session.request(headers, { endStream: false });
      // A connection has numbers for 2^30 streams. After the last, the next call goes to another connection.
      if (stream.id === undefined) {
        this.#leave();
        this.#session.close();
      }
      return stream;
    } catch (cause) {
      this.release();
      throw new FlightError("UNAVAILABLE", `The connection to ${this.#uri} ended before the call.`, {
        hint: "Call again.",
        cause,
      });
    }
  }

  /** Whether the server said that it has not looked at the call on `stream`: it may be made again. */
  hasIgnored(stream: ClientHttp2Stream): boolean {
    return stream.id === undefined || stream.id > this.#lastStream;
  }

  /** Ends the connection with all its calls. */
  async destroy(): Promise<void> {
    if (this.#socket.destroyed) return;
    await new Promise<void>((resolve) => {
      // A server that does not read would keep the goodbye, and so the socket, for ever.
      const timer = setTimeout(() => this.#socket.destroy(), this.isReady ? lastWordsMs : 0);
      this.#socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      this.#session.destroy();
    });
  }

  #kill(why: string): void {
    this.#cause ??= new Error(why);
    this.#leave();
    this.#session.destroy(this.#cause, constants.NGHTTP2_NO_ERROR);
    this.#socket.destroy();
  }

  #greet(options: ConnectionOptions): Promise<void> {
    const session = this.#session;
    return new Promise((resolve, reject) => {
      const { connectTimeoutMs } = options;
      const timer = setTimeout(() => this.#kill(`no answer within ${connectTimeoutMs} ms`), connectTimeoutMs);
      session.once("connect", () => {
        // The event comes later than the connection, which may be gone again.
        if (!session.destroyed) widenSession(session, options);
      });
      session.once("remoteSettings", () => {
        clearTimeout(timer);
        this.isReady = true;
        if (this.#calls === 0) session.unref();
        resolve();
      });
      session.once("close", () => {
        clearTimeout(timer);
        reject(this.#unreachable());
      });
    });
  }

  #unreachable(): FlightError {
    const cause = this.#cause ?? new Error("it ended the connection without a word of HTTP/2");
    return new FlightError("UNAVAILABLE", `Cannot reach a Flight server at ${this.#uri}: ${cause.message}.`, {
      hint: "Start it, or check the host and the port.",
      cause,
    });
  }

  #hold(): void {
    this.#calls++;
    this.#session.ref();
  }

  #admitWaiting(): void {
    for (const give of this.#waiting) {
      if (this.#leaving || this.#calls >= this.#maxCalls) return;
      this.#waiting.delete(give);
      this.#hold();
      give(true);
    }
  }

  #leave(): void {
    this.#leaving = true;
    for (const give of this.#waiting) give(false);
    this.#waiting.clear();
  }
}

function openSocket({ host, port, path, tls: speaksTls }: Address, tls: ClientTls | undefined): Socket {
  if (path !== undefined) return connectSocket({ path });
  if (!speaksTls) return connectSocket({ host, port });
  const { ca, serverName, ...own } = tls ?? {};
  const servername = serverName ?? (isIP(host) === 0 ? host : undefined);
  return connectTls({
    ...own,
    ...(ca === undefined ? {} : { ca: [ca].flat() }),
    ...(servername === undefined ? {} : { servername }),
    host,
    port,
    ALPNProtocols: ["h2"],
  });
}

function authorityOf({ host, port, path }: Address): string {
  return path === undefined ? formatLocation({ host, port }).replace("grpc://", "") : "localhost";
}
