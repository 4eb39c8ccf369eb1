import { setTimeout as delay } from "node:timers/promises";
import type { FlightError } from "../error.js";

const firstMs = 100;
const longestMs = 30_000;
const factor = 1.6;
const jitter = 0.2;

/** When an address that did not answer may be tried again: later with every failure, so that no one hammers it. */
export class Backoff {
  #failures = 0;
  #until = 0;
  #reason: FlightError | undefined;

  get remainingMs(): number {
    return Math.max(0, this.#until - performance.now());
  }

  /** Resolves when the next attempt may be made; rejects when `signal` aborts. */
  async over(signal: AbortSignal): Promise<void> {
    if (this.remainingMs > 0) await delay(this.remainingMs, undefined, { signal });
  }

  /** Throws what the last attempt failed of when it is too early for the next. */
  check(): void {
    if (this.#reason !== undefined && this.remainingMs > 0) throw this.#reason;
  }

  fail(reason: FlightError): void {
    const wait = Math.min(longestMs, firstMs * factor ** this.#failures++);
    this.#until = performance.now() + wait * (1 + jitter * (2 * Math.random() - 1));
    this.#reason = reason;
  }

  reset(): void {
    this.#failures = 0;
    this.#until = 0;
    this.#reason = undefined;
  }
}
