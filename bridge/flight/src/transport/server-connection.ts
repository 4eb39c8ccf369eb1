import type { ServerHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import { type KeepaliveOptions, keepAlive } from "./keepalive.js";
import { type TransportOptions, widenSession } from "./settings.js";

export interface ServerConnectionOptions extends TransportOptions, KeepaliveOptions {
  /** How long a connection may be without a call; Infinity: for ever. */
  maxIdleMs: number;
}

/** One client's connection to a server: found out when it is dead, told goodbye when it is idle or the server closes. */
export class ServerConnection {
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  #streams = 0;

  constructor(session: ServerHttp2Session, socket: Socket, options: ServerConnectionOptions) {
    this.#session = session;
    this.#socket = socket;
    this.ended = new Promise((resolve) => session.once("close", () => resolve()));
    widenSession(session, options);
    const alive = () => true;
    keepAlive(session, options, alive, () => this.kill());
    if (Number.isFinite(options.maxIdleMs)) this.#watchIdleness(options.maxIdleMs);
  }

  /** Takes no new calls, and ends after the last one. */
  leave(): void {
    this.#session.close();
  }

  /** Ends at once. A session alone would wait until its client has read what is still to be sent, which may be never. */
  kill(): void {
    this.#session.destroy();
    this.#socket.destroy();
  }

  #watchIdleness(maxIdleMs: number): void {
    const watch = () => setTimeout(() => this.leave(), Math.min(maxIdleMs, 2 ** 31 - 1)).unref();
    let timer = watch();
    this.#session.on("stream", (stream) => {
      this.#streams++;
      clearTimeout(timer);
      stream.once("close", () => {
        this.#streams--;
        if (this.#streams === 0 && !this.#session.destroyed) timer = watch();
      });
    });
    this.#session.once("close", () => clearTimeout(timer));
  }
}
