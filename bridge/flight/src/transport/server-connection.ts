import type { ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { type PeerCertificate, TLSSocket } from "node:tls";
import type { IncidentCause } from "../incidents.js";
import { ConnectionGuard, type ConnectionLimits } from "./connection-guard.js";
import { type KeepaliveOptions, keepAlive } from "./keepalive.js";
import { peerName } from "./peer-name.js";
import { type TransportOptions, widenSession } from "./settings.js";

export interface ServerConnectionOptions extends TransportOptions, KeepaliveOptions, ConnectionLimits {
  maxConcurrentCalls: number;
  /** How long a connection may be without a call; Infinity: for ever. */
  maxIdleMs: number;
}

/** One client's connection to a server: found out when it is dead, told goodbye when it is idle or the server closes. */
export class ServerConnection {
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>;
  readonly peer: string;
  /** What the peer showed, where it was asked for a certificate and had a good one. */
  readonly certificate: PeerCertificate | undefined;
  readonly address: string | undefined;
  readonly guard: ConnectionGuard;
  readonly #options: ServerConnectionOptions;
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  #calls = 0;
  #harmed = true;
  #idle: NodeJS.Timeout | undefined;

  /** `accuse` is called once at most, when the connection is ended for what it did. */
  constructor(
    session: ServerHttp2Session,
    socket: Socket,
    options: ServerConnectionOptions,
    accuse: (cause: IncidentCause, message: string) => void,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#options = options;
    this.peer = peerName(socket);
    if (socket instanceof TLSSocket && socket.authorized) this.certificate = socket.getPeerCertificate();
    this.address = socket.remoteAddress;
    this.guard = new ConnectionGuard(session, socket, options, accuse);
    this.ended = new Promise((resolve) => session.once("close", () => resolve()));
    const alive = () => true;
    keepAlive(session, options, alive, () => this.kill());
    this.#watchIdleness();
    session.once("close", () => clearTimeout(this.#idle));
  }

  /** The peer is known: from now on it has full windows, and as many calls as there may be. */
  admit(): void {
    const { streamWindow, maxConcurrentCalls } = this.#options;
    if (!this.guard.admit(streamWindow) || this.#session.destroyed || this.#session.closed) return;
    this.#session.settings({ initialWindowSize: streamWindow, maxConcurrentStreams: maxConcurrentCalls });
    widenSession(this.#session, this.#options);
  }

  /** A call has begun. */
  opened(stream: ServerHttp2Stream): void {
    this.#calls++;
    clearTimeout(this.#idle);
    this.guard.opened(stream);
    stream.once("close", () => {
      this.#calls--;
      this.#harmed = this.#session.destroyed;
      if (this.#calls === 0 && !this.#session.destroyed) this.#watchIdleness();
    });
  }

  /** Whether the end of the connection did harm: it had no call yet, or still had some. */
  get harmed(): boolean {
    return this.#harmed;
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

  #watchIdleness(): void {
    const { maxIdleMs } = this.#options;
    if (!Number.isFinite(maxIdleMs)) return;
    this.#idle = setTimeout(() => this.leave(), Math.min(maxIdleMs, 2 ** 31 - 1)).unref();
  }
}
