import { FlightError } from "../error.js";
import type { Allocate } from "../messages.js";
import { copyBytes } from "./copy-bytes.js";
import { countYoungMemory } from "./young-memory.js";

/** One gRPC message on its way out, its frame header included, in the pieces in which it lies in memory. */
export type Frame = readonly Uint8Array[];

/** A flag byte and a length of four bytes. */
export const frameHeaderLength = 5;

/** Up to here a message's memory is asked for when its length is known; beyond, when an eighth of the message is there. */
const promptly = 1 << 20;

/** Chunks below this length that have to wait share memory: an ArrayBuffer of its own costs more than a few bytes. */
const crumb = 1 << 10;

/** Writes a frame header at the start of `into`; returns its length. */
export function putFrameHeader(into: Uint8Array, messageLength: number): number {
  if (messageLength > 0xffffffff) {
    throw new FlightError("INVALID_ARGUMENT", `A message of ${messageLength} bytes is longer than gRPC allows.`, {
      hint: "Send it as several batches of fewer rows.",
    });
  }
  into[0] = 0;
  new DataView(into.buffer, into.byteOffset).setUint32(1, messageLength);
  return frameHeaderLength;
}

/** A message as a frame of one piece, copied. For small messages. */
export function frame(message: Uint8Array): Frame {
  const bytes = Buffer.allocUnsafe(frameHeaderLength + message.byteLength);
  bytes.set(message, putFrameHeader(bytes, message.byteLength));
  return [bytes];
}

/** The memory that a message is received into by default: its own, aligned at its end. */
export function allocateAligned(bytes: number): Uint8Array {
  countYoungMemory(bytes);
  const { buffer, byteLength, byteOffset } = Buffer.allocUnsafeSlow(bytes + (-bytes & 63));
  return new Uint8Array(buffer, byteOffset + byteLength - bytes, bytes);
}

/**
 * Puts gRPC messages together from the chunks in which they arrive. `push` takes a chunk; `take` gives the next message once
 * all of it is there. Each message is copied once, from the chunks into memory from `allocate`.
 *
 * Memory for a message longer than 1 MiB is asked for only after an eighth of it has arrived: a length alone costs nothing.
 */
export class FrameAssembler {
  /** The longest message that is accepted, from the next one on. */
  maxMessageBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  #length = -1;
  #target: Uint8Array | undefined;
  #filled = 0;
  #crumbs = new Uint8Array(0);
  #crumbsEnd = 0;
  #lent = false;

  constructor(maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes;
  }

  /** Bytes that were pushed and not yet copied into a message. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Whether all that was pushed has been taken as whole messages. */
  get empty(): boolean {
    return this.#buffered === 0 && this.#length < 0;
  }

  /** What is missing of the message that is being received, if nothing waits before it: bytes may be written there, see `wrote`. */
  get room(): Uint8Array | undefined {
    return this.#buffered > 0 ? undefined : this.#target?.subarray(this.#filled);
  }

  /** The next bytes were written at the start of `room`. */
  wrote(bytes: number): void {
    this.#filled += bytes;
  }

  /** Drops all that waits; to be called when no more messages are wanted. */
  clear(): void {
    this.#chunks.length = 0;
    this.#buffered = 0;
    this.#target = undefined;
  }

  /** Takes a chunk, whose memory is only lent until `gather` is called. */
  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.#buffered += chunk.byteLength;
    this.#lent = true;
  }

  /** Copies what is left of the last chunk; small ones beside those that wait already, so that what waits costs about its bytes. */
  gather(): void {
    const chunk = this.#chunks.at(-1);
    if (chunk === undefined || !this.#lent) return;
    this.#lent = false;
    if (chunk.byteLength >= crumb) {
      this.#chunks[this.#chunks.length - 1] = new Uint8Array(chunk);
      return;
    }
    if (this.#crumbsEnd + chunk.byteLength > this.#crumbs.byteLength) {
      this.#crumbs = new Uint8Array(Math.max(chunk.byteLength, Math.min(2 * this.#crumbs.byteLength, 4 * crumb)));
      this.#crumbsEnd = 0;
    }
    this.#crumbs.set(chunk, this.#crumbsEnd);
    const before = this.#chunks.at(-2);
    const joins = before?.buffer === this.#crumbs.buffer && before.byteOffset + before.byteLength === this.#crumbsEnd;
    const start = joins ? before.byteOffset : this.#crumbsEnd;
    if (joins) this.#chunks.pop();
    this.#crumbsEnd += chunk.byteLength;
    this.#chunks[this.#chunks.length - 1] = this.#crumbs.subarray(start, this.#crumbsEnd);
  }

  /**
   * Returns the next message, undefined while bytes of it are missing, or a promise while its memory is: call again once that
   * has resolved. Throws RESOURCE_EXHAUSTED for a message over the limit, INTERNAL for a compressed one.
   */
  take(allocate: Allocate): Uint8Array | undefined | Promise<void> {
    if (this.#length < 0 && !this.#readHeader()) return undefined;
    if (this.#target === undefined) {
      if (this.#length > promptly && this.#buffered < this.#length / 8) return undefined;
      const memory = this.#length === 0 ? new Uint8Array(0) : allocate(this.#length);
      if (!(memory instanceof Uint8Array)) return memory.then((later) => this.#begin(later));
      this.#begin(memory);
    }
    return this.#fill();
  }

  #begin(memory: Uint8Array): void {
    if (memory.byteLength !== this.#length) {
      const [asked, given] = [this.#length, memory.byteLength];
      throw new FlightError("INTERNAL", `allocate was asked for ${asked} bytes and gave ${given}.`, {
        hint: "Return a view of exactly the length asked for.",
      });
    }
    this.#target = memory;
    this.#filled = 0;
  }

  #fill(): Uint8Array | undefined {
    const target = this.#target!;
    while (this.#filled < target.byteLength) {
      const chunk = this.#chunks[0];
      if (chunk === undefined) return undefined;
      const missing = target.byteLength - this.#filled;
      if (chunk.byteLength <= missing) {
        copyBytes(chunk, target, this.#filled);
        this.#filled += chunk.byteLength;
        this.#buffered -= chunk.byteLength;
        this.#chunks.shift();
      } else {
        copyBytes(chunk.subarray(0, missing), target, this.#filled);
        this.#filled += missing;
        this.#buffered -= missing;
        this.#chunks[0] = chunk.subarray(missing);
      }
    }
    this.#target = undefined;
    this.#length = -1;
    return target;
  }

  #readHeader(): boolean {
    if (this.#buffered < frameHeaderLength) return false;
    const header = new Uint8Array(frameHeaderLength);
    this.#target = header;
    this.#filled = 0;
    this.#fill();
    const flag = header[0]!;
    const length = new DataView(header.buffer).getUint32(1);
    if (flag === 1) {
      throw new FlightError("INTERNAL", "The message is compressed by gRPC, though no compression was agreed on.", {
        hint: "Turn gRPC compression off at the peer; Arrow's own compression of batches may stay on.",
      });
    }
    if (flag !== 0) {
      throw new FlightError("INTERNAL", `The bytes are no gRPC message: it would have the flag ${flag}.`, {
        hint: "Check that the peer speaks gRPC.",
      });
    }
    if (length > this.maxMessageBytes) {
      const limit = this.maxMessageBytes;
      throw new FlightError("RESOURCE_EXHAUSTED", `A message of ${length} bytes is over the limit of ${limit}.`, {
        hint: "Send batches of fewer rows, or raise maxMessageBytes.",
      });
    }
    this.#length = length;
    return true;
  }
}
