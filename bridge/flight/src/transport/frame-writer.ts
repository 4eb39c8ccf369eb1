import type { Http2Stream } from "node:http2";
import { FlightError } from "../error.js";
import type { Frame } from "../protocol/grpc-frame.js";

/** Bytes that may be on their way before a writer has to wait. */
const writeAhead = 2 << 20;

/** How long writers that need not wait may keep the event loop from everything else, in milliseconds. */
const longestTurn = 10;

/** Frames up to this length are copied into one piece: a write costs more than the copy. */
const smallFrame = 16 << 10;

/**
 * Writes gRPC frames to one HTTP/2 stream, without copying large ones. `write` returns undefined when the next frame may
 * follow at once, else a promise that resolves when it may. It rejects when the stream is gone.
 */
export class FrameWriter {
  readonly #stream: Http2Stream;
  #underWay = 0;
  #waiter: { resolve(): void; reject(reason: unknown): void } | undefined;

  constructor(stream: Http2Stream) {
    this.#stream = stream;
    stream.once("close", () => this.#waiter?.reject(gone()));
  }

  write(pieces: Frame): Promise<void> | undefined {
    if (this.#stream.destroyed || this.#stream.closed) return Promise.reject(gone());
    let length = 0;
    for (const piece of pieces) length += piece.byteLength;
    const written = () => {
      this.#underWay -= length;
      if (this.#underWay > writeAhead) return;
      this.#waiter?.resolve();
      this.#waiter = undefined;
    };
    this.#underWay += length;
    if (pieces.length === 1 || length <= smallFrame) {
      this.#stream.write(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces, length), written);
    } else {
      // One writev for header and body, each from where it lies.
      this.#stream.cork();
      const last = pieces.length - 1;
      for (let i = 0; i < last; i++) this.#stream.write(pieces[i]);
      this.#stream.write(pieces[last], written);
      this.#stream.uncork();
    }
    if (this.#underWay <= writeAhead) return turnIsOver() ? nextTurn() : undefined;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }
}

function gone(): FlightError {
  return new FlightError("CANCELLED", "The peer is gone: nothing more can be sent.", {
    hint: "Stop the stream; the call's signal has aborted.",
  });
}

let turnBegan: number | undefined;

/** Whether writers have had this turn of the event loop for so long that cancels and other calls must get theirs. */
function turnIsOver(): boolean {
  if (turnBegan !== undefined) return performance.now() - turnBegan > longestTurn;
  turnBegan = performance.now();
  setImmediate(() => {
    turnBegan = undefined;
  });
  return false;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
