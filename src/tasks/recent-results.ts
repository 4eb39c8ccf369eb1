import { type StoredValue, storedBytes } from "../store/value.js";

/** How many are kept: a power of two. */
const kept = 1 << 12;
/** Larger results are not. */
const largest = 256;

/** The newest small results of one owner's calls that ran on this thread: often the arguments of its next calls. */
export class RecentResults {
  readonly #numbers = new Int32Array(kept);
  readonly #values = new Array<StoredValue>(kept).fill(undefined);

  set(number: number, value: StoredValue): void {
    const at = number & (kept - 1);
    if (storedBytes(value) > largest) return;
    this.#numbers[at] = number;
    this.#values[at] = value;
  }

  has(number: number): boolean {
    return this.#numbers[number & (kept - 1)] === number;
  }

  /** The result of a call that it `has`. */
  get(number: number): StoredValue {
    return this.#values[number & (kept - 1)];
  }
}
