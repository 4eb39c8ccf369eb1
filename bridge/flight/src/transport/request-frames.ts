import { FlightError } from "../error.js";
import type { Streamable } from "../messages.js";
import type { Frame } from "../protocol/grpc-frame.js";

/** How much of a request is kept for a call that has to be made again. */
const keptBytes = 256 << 10;

/** What a call sends. */
export interface Outgoing {
  messages: Streamable<unknown>;
  /** Makes a message a frame. */
  encode(message: never): Frame;
}

/**
 * The frames that a call sends, taken from its caller once. Until the server has taken the call, the first 256 KiB are kept (not
 * copied), so that another attempt can send them again.
 */
export class RequestFrames {
  readonly #source: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #encode: (message: never) => Frame;
  #kept: Frame[] | undefined = [];
  #keptBytes = 0;
  /** The frame that is awaited, or the end of the source, which stays. */
  #next: Promise<IteratorResult<Frame>> | undefined;
  #ended = false;

  /** Throws INVALID_ARGUMENT for messages that are no stream. */
  constructor({ messages: source, encode }: Outgoing) {
    this.#encode = encode;
    if (!isStream(source)) {
      throw new FlightError("INVALID_ARGUMENT", "What the call is to send is no stream of messages.", {
        hint: "Give an array, a generator or another iterable.",
      });
    }
    this.#source = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  /** Whether the frames can still be sent from their beginning. */
  get replayable(): boolean {
    return this.#kept !== undefined;
  }

  /** No attempt will follow: nothing more is kept. */
  commit(): void {
    this.#kept = undefined;
  }

  /** The frames from their beginning. A second attempt may start while the first still awaits a frame, and gets that one. */
  attempt(): () => Promise<IteratorResult<Frame>> | IteratorResult<Frame> {
    let kept = this.#kept ?? [];
    let at = 0;
    return () => {
      const frame = kept[at++];
      if (frame !== undefined) return { done: false, value: frame };
      if (this.#kept === undefined) kept = [];
      return this.#pull();
    };
  }

  /** Tells the caller's stream that nothing more is asked of it. */
  stop(): void {
    this.commit();
    if (this.#ended) return;
    this.#ended = true;
    const leave = async () => this.#source.return?.();
    // The call is over: what the stream throws at its own end has no one to go to.
    leave().catch(() => {});
  }

  #pull(): Promise<IteratorResult<Frame>> | IteratorResult<Frame> {
    if (this.#next !== undefined) return this.#next;
    if (this.#kept === undefined) return this.#encoded();
    this.#next = this.#take();
    return this.#next;
  }

  async #encoded(): Promise<IteratorResult<Frame>> {
    const { done, value } = await this.#source.next();
    return done ? { done, value: undefined } : { done: false, value: this.#encode(value as never) };
  }

  async #take(): Promise<IteratorResult<Frame>> {
    try {
      const result = await this.#encoded();
      if (result.done) {
        this.#ended = true;
        return result;
      }
      this.#next = undefined;
      this.#keep(result.value);
      return result;
    } catch (reason) {
      this.#ended = true;
      throw reason;
    }
  }

  #keep(frame: Frame): void {
    if (this.#kept === undefined) return;
    for (const piece of frame) this.#keptBytes += piece.byteLength;
    if (this.#keptBytes > keptBytes) this.commit();
    else this.#kept.push(frame);
  }
}

function isStream(source: unknown): boolean {
  return typeof source === "object" && source !== null && (Symbol.asyncIterator in source || Symbol.iterator in source);
}
