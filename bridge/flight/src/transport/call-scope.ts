import { FlightError } from "../error.js";

export interface CallLimits {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
}

/** The time that one call of a client has: its signal aborts, with a FlightError, at the caller's wish or at the deadline. */
export class CallScope {
  readonly #abort = new AbortController();
  readonly #callersSignal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #cancel: () => void;
  readonly #name: string;
  readonly #timeoutMs: number;
  readonly #start = performance.now();

  constructor(name: string, { signal, timeoutMs }: CallLimits) {
    this.#name = name;
    this.#timeoutMs = timeoutMs ?? Number.POSITIVE_INFINITY;
    this.#callersSignal = signal;
    this.#cancel = () => {
      const options = { hint: "Its signal was aborted.", cause: signal?.reason };
      this.#abort.abort(new FlightError("CANCELLED", `${name} was cancelled.`, options));
    };
    if (signal?.aborted) this.#cancel();
    else signal?.addEventListener("abort", this.#cancel, { once: true });
    if (timeoutMs === undefined) return;
    this.#timer = setTimeout(() => this.#abort.abort(this.#late()), Math.min(timeoutMs, 2 ** 31 - 1));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What is left of the time; undefined where there is no deadline. */
  get remainingMs(): number | undefined {
    if (!Number.isFinite(this.#timeoutMs)) return undefined;
    return Math.max(0, this.#timeoutMs - (performance.now() - this.#start));
  }

  /** `event`, or a rejection as soon as the time is over. */
  async within<T>(event: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const over = new Promise<never>((_, reject) => {
      this.signal.addEventListener("abort", () => reject(this.signal.reason), { once: true });
    });
    return await Promise.race([event, over]);
  }

  /**
   * What a call that ended with `error` failed of. A server that keeps the deadline may end the call before this side's timer has fired: by its
   * status, or by cutting it off.
   */
  blame(error: FlightError): FlightError {
    const overdue = performance.now() - this.#start >= this.#timeoutMs;
    return overdue && ["DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE"].includes(error.code) ? this.#late() : error;
  }

  /** Lets go of the timer and of the caller's signal. */
  end(): void {
    clearTimeout(this.#timer);
    this.#callersSignal?.removeEventListener("abort", this.#cancel);
  }

  #late(): FlightError {
    return new FlightError("DEADLINE_EXCEEDED", `${this.#name} was not done within ${this.#timeoutMs} ms.`, {
      hint: "Raise timeoutMs or ask for less.",
    });
  }
}
