import { constants, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { FlightError } from "../error.js";
import type { IncidentCause } from "../incidents.js";
import { strangersWindow } from "./settings.js";

/** What one connection may cost: bounds that no honest peer comes near. */
export interface ConnectionLimits {
  handshakeTimeoutMs: number;
  firstCallTimeoutMs: number;
  maxHeaderBytes: number;
  maxOverheadBytes: number;
  maxResets: number;
}

/** How many of the calls that a connection may cancel come back each second; nghttp2, below node:http2, has the same. */
const resetsPerSecond = 33;

/** A piece of a message that is smaller is overhead, frame header and all. */
const smallestPiece = 16;
const frameHeader = 9;

/** Small pieces after which the overhead is looked at, before its time. */
const piecesPerLook = 4096;

/**
 * Watches one connection of a server, and ends it when it costs more than it brings.
 *
 * Whatever a flood is made of (pings, settings, priorities, window updates, empty or padded or unknown frames, headers without end), it
 * is bytes that are neither part of a message nor headers of a call. A connection may send `maxOverheadBytes` of them a second, four
 * times that at once, and an eighth of the bytes of the messages that go either way.
 */
export class ConnectionGuard {
  readonly #session: ServerHttp2Session;
  readonly #socket: Socket;
  readonly #limits: ConnectionLimits;
  readonly #accuse: (cause: IncidentCause, message: string) => void;
  readonly #began: number;
  #greeted = false;
  #admitted = false;
  #window = strangersWindow;
  #looked: number;
  #read = 0;
  #written = 0;
  #useful = 0;
  #headers = 0;
  #excused = 0;
  #pieces = 0;
  #credit: number;
  #resets: number;

  /** `accuse` is called when the connection is to be ended, at most once. */
  constructor(
    session: ServerHttp2Session,
    socket: Socket,
    limits: ConnectionLimits,
    accuse: (cause: IncidentCause, message: string) => void,
  ) {
    this.#session = session;
    this.#socket = socket;
    this.#limits = limits;
    this.#accuse = accuse;
    this.#began = performance.now();
    this.#looked = this.#began;
    this.#credit = 4 * limits.maxOverheadBytes;
    this.#resets = limits.maxResets;
    session.once("remoteSettings", () => {
      this.#greeted = true;
    });
  }

  /** A call has begun. */
  opened(stream: ServerHttp2Stream): void {
    this.#headers += this.#limits.maxHeaderBytes;
    stream.once("aborted", () => {
      // A lost connection cancels its calls, too, and a caller may have heard enough.
      if (this.#session.destroyed || stream.headersSent) return;
      if (--this.#resets < 0) {
        this.#end("resets", `It cancelled its calls faster than maxResets (${this.#limits.maxResets}) allows.`);
      }
    });
  }

  /** A call was ended that is still being sent to: up to its window can be on its way. */
  ended(): void {
    this.#excused = Math.min(this.#excused + this.#window, 4 * this.#window);
  }

  /** A call was admitted: the peer is no stranger, and each of its streams has this window. Returns whether it was one. */
  admit(window: number): boolean {
    const first = !this.#admitted;
    this.#admitted = true;
    this.#window = window;
    return first;
  }

  /** A piece of a message has come. */
  received(bytes: number): void {
    if (bytes >= smallestPiece) this.#useful += bytes + frameHeader;
    else if (++this.#pieces % piecesPerLook === 0) this.#weigh(performance.now());
  }

  /** To be called a few times a second. */
  look(now: number): void {
    const { handshakeTimeoutMs, firstCallTimeoutMs } = this.#limits;
    if (!this.#greeted && now - this.#began > handshakeTimeoutMs) {
      this.#end("handshake", `It did not begin to speak HTTP/2 within handshakeTimeoutMs (${handshakeTimeoutMs}).`);
    } else if (!this.#admitted && now - this.#began > firstCallTimeoutMs) {
      this.#end("handshake", `It made no call that was admitted within firstCallTimeoutMs (${firstCallTimeoutMs}).`);
    } else {
      this.#weigh(now);
    }
  }

  #weigh(now: number): void {
    if (this.#session.destroyed) return;
    const { bytesRead, bytesWritten } = this.#socket;
    const { maxOverheadBytes, maxResets } = this.#limits;
    const seconds = (now - this.#looked) / 1000;
    this.#looked = now;
    this.#resets = Math.min(maxResets, this.#resets + seconds * resetsPerSecond);
    const overhead = Math.max(0, bytesRead - this.#read - this.#useful - this.#headers);
    const excused = Math.min(overhead, this.#excused);
    const earned = (this.#useful + bytesWritten - this.#written) / 8;
    this.#credit += seconds * maxOverheadBytes + earned - (overhead - excused);
    this.#credit = Math.min(this.#credit, 4 * maxOverheadBytes);
    this.#excused -= excused;
    this.#read = bytesRead;
    this.#written = bytesWritten;
    this.#useful = 0;
    this.#headers = 0;
    if (this.#credit < 0) {
      this.#end(
        "flood",
        `It sent more that is no message and no call than maxOverheadBytes (${maxOverheadBytes}) allows.`,
      );
    }
  }

  #end(cause: IncidentCause, message: string): void {
    if (this.#session.destroyed) return;
    const reason = new FlightError("RESOURCE_EXHAUSTED", message, { hint: "Raise the option if the peer is honest." });
    this.#session.destroy(reason, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // A session alone would wait until its peer has read what is still to be sent, which may be never.
    setImmediate(() => this.#socket.destroy());
    this.#accuse(cause, reason.message);
  }
}
