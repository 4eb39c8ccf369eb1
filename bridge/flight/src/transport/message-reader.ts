import type { Http2Stream } from "node:http2";
import { FlightError } from "../error.js";
import type { Allocate } from "../messages.js";
import { allocateAligned, FrameAssembler } from "../protocol/grpc-frame.js";

/** Bytes that may wait between the HTTP/2 stream and a reader that is busy, before the stream is paused. */
const readAhead = 1 << 20;

interface Waiter {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(reason: unknown): void;
}

/**
 * The gRPC messages that arrive on one HTTP/2 stream.
 *
 * A message's memory is asked for when the message is waited for. While nobody waits, the stream is paused and HTTP/2's flow control
 * holds the sender back. The end is clean only if `verdict`, asked at the end of the stream, returns no error.
 */
export class MessageReader implements AsyncIterableIterator<Uint8Array> {
  allocate: Allocate = allocateAligned;
  readonly #stream: Http2Stream;
  readonly #assembler: FrameAssembler;
  readonly #verdict: () => FlightError | undefined;
  readonly #leave: () => void;
  #waiter: Waiter | undefined;
  #allocating = false;
  #paused = false;
  #ended = false;
  #error: unknown;

  constructor(
    stream: Http2Stream,
    options: {
      maxMessageBytes: number;
      verdict: () => FlightError | undefined;
      /** Called when the consumer stops before the end. */
      leave: () => void;
    },
  ) {
    this.#stream = stream;
    this.#assembler = new FrameAssembler(options.maxMessageBytes);
    this.#verdict = options.verdict;
    this.#leave = options.leave;
    stream.on("data", (chunk: Buffer) => this.#onData(chunk));
    stream.on("end", () => {
      this.#ended = true;
      this.#advance();
    });
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#waiter !== undefined) {
      const error = new FlightError("FAILED_PRECONDITION", "The stream is already being waited on.", {
        hint: "Await each message before asking for the next.",
      });
      return Promise.reject(error);
    }
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
    this.#resume();
    this.#settle()?.reject(error);
  }

  #onData(chunk: Buffer): void {
    if (this.#error !== undefined) return;
    this.#assembler.push(chunk);
    this.#advance();
    const busy = this.#waiter === undefined || this.#allocating;
    if (busy && !this.#paused && this.#assembler.buffered > readAhead) {
      this.#paused = true;
      this.#stream.pause();
    }
  }

  #advance(): void {
    if (this.#waiter === undefined || this.#allocating) return;
    if (this.#error !== undefined) {
      this.#settle()?.reject(this.#error);
      return;
    }
    try {
      const message = this.#assembler.take(this.allocate);
      if (message instanceof Uint8Array) this.#settle()?.resolve({ done: false, value: message });
      else if (message !== undefined) this.#awaitMemory(message);
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
    } else this.#settle()?.resolve({ done: true, value: undefined });
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#stream.resume();
  }

  #settle(): Waiter | undefined {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    return waiter;
  }
}
