import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { http2Frame, preface } from "../flight/http2-bytes.js";

const acknowledgement = http2Frame(4, 1, 0, Buffer.alloc(0));

/** Where a server listens, and whether it speaks TLS. */
export interface Door {
  port: number;
  tls?: boolean;
  /** The address that the server is to see. */
  from?: string;
}

/** A connection that speaks HTTP/2 by the byte, and keeps its rules only where it wants to. */
export class RawPeer {
  readonly socket: Socket;
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  /** The code of the server's goodbye. */
  goaway: number | undefined;
  /** How many frames of each type came. */
  readonly frames = new Map<number, number>();
  #greeted = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor({ port, tls = false, from = "127.0.0.1" }: Door) {
    this.socket = tls
      ? connectTls({ port, host: "127.0.0.1", ALPNProtocols: ["h2"], rejectUnauthorized: false })
      : connect({ port, host: "127.0.0.1", localAddress: from });
    this.socket.on("error", () => {});
    this.closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  /** Sends the client's first bytes, then `bytes`. */
  greet(...bytes: Buffer[]): void {
    this.#greeted = true;
    this.socket.write(Buffer.concat([preface, ...bytes]));
  }

  /** Sends bytes; resolves once there is room for more, or the connection is gone. */
  async send(bytes: Buffer): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return;
    await Promise.race([once(this.socket, "drain").catch(() => {}), this.closed]);
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (this.#rest.byteLength - at >= 9) {
      const end = at + 9 + this.#rest.readUIntBE(at, 3);
      if (this.#rest.byteLength < end) break;
      const type = this.#rest.readUInt8(at + 3);
      this.frames.set(type, (this.frames.get(type) ?? 0) + 1);
      if (this.#greeted && type === 4 && this.#rest.readUInt8(at + 4) === 0) this.socket.write(acknowledgement);
      if (type === 7) this.goaway = this.#rest.readUInt32BE(at + 13);
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
  }
}
