import { types } from "node:util";
import type { Loaded } from "./runner.js";

/** Calls are taken in bundles of about this much work. */
const bundleMilliseconds = 0.05;
const bundleCalls = 256;
/** What a call is taken to cost whose function never ran here. */
const unknownMilliseconds = 1;

/** A function as one owner's calls name it, in a worker that runs them, and how long it takes there. */
export class Callee {
  name = "A task";
  readonly loading: Promise<Loaded>;
  loaded: Loaded | undefined;
  /** Whether it was seen to return promises. */
  awaits = false;
  #milliseconds: number | undefined;
  #told = 0;

  constructor(loading: Promise<Loaded> | Loaded) {
    if (typeof loading === "function") {
      this.loaded = loading;
      this.loading = Promise.resolve(loading);
      return;
    }
    this.loading = loading;
    loading.then(
      (loaded) => {
        this.loaded = loaded;
      },
      () => {},
    );
  }

  /** Whether its calls go on after they return, as far as that is known before one is made. */
  get isAsync(): boolean {
    return this.awaits || (this.loaded !== undefined && types.isAsyncFunction(this.loaded));
  }

  /** How many of its calls are about as much work as should be taken at once. */
  get bundle(): number {
    if (this.#milliseconds === undefined || this.awaits) return 1;
    return Math.max(1, Math.min(bundleCalls, Math.floor(bundleMilliseconds / this.#milliseconds)));
  }

  /** The milliseconds of computing that a call of it is expected to cost. */
  get cost(): number {
    return this.#milliseconds ?? unknownMilliseconds;
  }

  /** The nanoseconds that a call takes, if they are no longer about what was last said here; else -1. */
  get news(): number {
    const nanoseconds = Math.min((this.#milliseconds ?? unknownMilliseconds) * 1e6, 2 ** 31 - 1);
    if (nanoseconds < this.#told * 2 && nanoseconds > this.#told / 2) return -1;
    this.#told = nanoseconds;
    return Math.round(nanoseconds);
  }

  /** Calls of it took this long on average. */
  took(milliseconds: number): void {
    const known = this.#milliseconds;
    this.#milliseconds = known === undefined ? milliseconds : 0.8 * known + 0.2 * milliseconds;
  }
}
