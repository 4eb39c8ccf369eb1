import { FlightError } from "../error.js";

/** How much memory one message may still take beyond its own bytes. */
export class DecodeBudget {
  readonly #limit: number;
  #left: number;

  constructor(limit: number) {
    this.#limit = limit;
    this.#left = limit;
  }

  /** Call before `bytes` are allocated. Throws RESOURCE_EXHAUSTED once it is more than the limit in all. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw this.exceeded();
  }

  exceeded(): FlightError {
    return new FlightError("RESOURCE_EXHAUSTED", `A batch is more than ${this.#limit} bytes long when decoded.`, {
      hint: "Have its writer send batches of fewer rows, or raise maxDecodedBytes.",
    });
  }
}
