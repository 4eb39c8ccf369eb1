import type { Http2Stream } from "node:http2";
import { FlightError } from "../error.js";
import type { Allocate } from "../messages.js";
import { allocateAligned, FrameAssembler, frameHeaderLength } from "../protocol/grpc-frame.js";
import { borrowReads } from "./borrow-reads.js";

/** Bytes that may wait between the HTTP/2 stream and a reader that is busy, before the stream is paused. */
const readAhead = 1 << 20;

const nothing = Buffer.alloc(0);

/** Told of the bytes that a reader holds: those that arrive, and those that a consumer takes as messages or that are dropped. */
export interface Intake {
  received(bytes: number): void;
  released(bytes: number): void;
}

interface Waiter {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(reason: unknown): void;
}

/**
 * The gRPC messages that arrive on one HTTP/2 stream.
 *
 * A message's memory is asked for when the message is waited for. While nobody waits, the stream is paused and HTTP/2's flow control
 * holds the sender back; before the first wait it is paused from the first byte on. The end is clean only if `verdict`, asked at the
 * end of the stream, returns no error.
 *
 * The bytes are taken at `push`, where the stream gets them from its connection: in the queue of a paused stream every frame would
 * cost an object, however few its bytes.
 */
export class MessageReader implements AsyncIterableIterator<Uint8Array> {
  allocate: Allocate = allocateAligned;
  readonly #assembler: FrameAssembler;
  readonly #verdict: () => FlightError | undefined;
  readonly #leave: () => void;
  readonly #intake: Intake | undefined;
  readonly #readMore: () => void;
  readonly #takeBack: (() => void) | undefined;
  #waiter: Waiter | undefined;
  #allocating = false;
  #paused = false;
  #started = false;
  #held = 0;
  #ended = false;
  #error: unknown;
  /** Whether the stream came to a clean end, and all of it was read. */
  finished = false;

  constructor(
    stream: Http2Stream,
    options: {
      maxMessageBytes: number;
      verdict: () => FlightError | undefined;
      /** Called when the consumer stops before the end. */
      leave: () => void;
      intake?: Intake | undefined;
    },
  ) {
    this.#assembler = new FrameAssembler(options.maxMessageBytes);
    this.#verdict = options.verdict;
    this.#leave = options.leave;
    this.#intake = options.intake;
    const push = stream.push.bind(stream);
    // To push nothing asks the stream to read on.
    this.#readMore = () => push(nothing);
    stream.push = (chunk: Buffer | null) => {
      if (chunk !== null) return this.#onData(chunk);
      push(null);
      stream.resume();
      return false;
    };
    this.#takeBack = borrowReads(stream, {
      room: () => (this.#waiter === undefined || this.#allocating ? undefined : this.#assembler.room),
      wrote: (bytes) => this.#onWritten(bytes),
      take: (chunk) => this.#onData(chunk),
    });
    stream.on("end", () => {
      this.#ended = true;
      this.#advance();
    });
    stream.read(0);
  }

  /** The longest message that is accepted, from the next one on. */
  set maxMessageBytes(bytes: number) {
    this.#assembler.maxMessageBytes = bytes;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#waiter !== undefined) {
      const error = new FlightError("FAILED_PRECONDITION", "The stream is already being waited on.", {
        hint: "Await each message before asking for the next.",
      });
      return Promise.reject(error);
    }
    this.#started = true;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
      this.#advance();
    });
  }

  /** Called by a loop that is left early. */
  return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#ended && this.#error === undefined) {
      this.fail(new FlightError("CANCELLED", "The stream was left before its end.", { hint: "Read it to its end." }));
      this.#leave();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the messages with `error`, for this and every later wait. What was buffered is dropped. */
  fail(error: unknown): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#takeBack?.();
    this.#assembler.clear();
    this.#release(this.#held);
    this.#resume();
    this.#settle()?.reject(error);
  }

  /** Returns whether the stream may read on. */
  #onData(chunk: Uint8Array): boolean {
    if (!this.#count(chunk.byteLength)) return true;
    this.#assembler.push(chunk);
    this.#advance();
    if (this.#assembler.buffered === 0) return true;
    this.#assembler.gather();
    const busy = this.#waiter === undefined || this.#allocating;
    this.#paused ||= busy && this.#assembler.buffered > (this.#started ? readAhead : 0);
    return !this.#paused;
  }

  /** Bytes were received into the message that is waited for. */
  #onWritten(bytes: number): void {
    if (!this.#count(bytes)) return;
    this.#assembler.wrote(bytes);
    this.#advance();
  }

  /** Returns whether bytes that came are wanted. */
  #count(bytes: number): boolean {
    this.#held += bytes;
    this.#intake?.received(bytes);
    // It may have ended the call only now.
    if (this.#error !== undefined) this.#release(this.#held);
    return this.#error === undefined;
  }

  #advance(): void {
    if (this.#waiter === undefined || this.#allocating) return;
    if (this.#error !== undefined) {
      this.#settle()?.reject(this.#error);
      return;
    }
    try {
      const message = this.#assembler.take(this.allocate);
      if (message instanceof Uint8Array) {
        this.#release(frameHeaderLength + message.byteLength);
        this.#settle()?.resolve({ done: false, value: message });
      } else if (message !== undefined) this.#awaitMemory(message);
      else if (this.#ended) this.#finish();
      else this.#resume();
    } catch (reason) {
      this.fail(reason);
    }
  }

  #awaitMemory(memory: Promise<void>): void {
    this.#allocating = true;
    memory.then(
      () => {
        this.#allocating = false;
        this.#advance();
      },
      (reason: unknown) => {
        this.#allocating = false;
        this.fail(reason);
      },
    );
  }

  #finish(): void {
    const error = this.#verdict();
    if (error !== undefined) this.fail(error);
    else if (!this.#assembler.empty) {
      this.fail(
        new FlightError("DATA_LOSS", "The stream ended inside a message.", {
          hint: "Treat what came as incomplete and have the peer send it again.",
        }),
      );
    } else {
      this.finished = true;
      this.#settle()?.resolve({ done: true, value: undefined });
    }
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#readMore();
  }

  #release(bytes: number): void {
    this.#held -= bytes;
    this.#intake?.released(bytes);
  }

  #settle(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }
}
