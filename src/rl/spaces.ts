import type { RandomStream } from "../random.js";

/** The closed box of real vectors between `low` and `high`, element by element. */
export class Box {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly size: number;

  constructor(low: ArrayLike<number>, high: ArrayLike<number>) {
    this.low = Float64Array.from(low);
    this.high = Float64Array.from(high);
    this.size = this.low.length;
  }

  /** Whether `value` has the box's size and lies inside, its faces included; NaN lies nowhere. */
  contains(value: ArrayLike<number>): boolean {
    if (value.length !== this.size) return false;
    for (let i = 0; i < this.size; i++) if (!(value[i]! >= this.low[i]! && value[i]! <= this.high[i]!)) return false;
    return true;
  }

  /** A point drawn evenly; every bound must be finite. */
  sample(random: RandomStream): Float64Array {
    return this.low.map((low, i) => low + random.next() * (this.high[i]! - low));
  }
}

/** The integers 0 .. n-1. */
export class Discrete {
  readonly n: number;

  constructor(n: number) {
    this.n = n;
  }

  /** Whether `value` is one of the integers. */
  contains(value: number): boolean {
    return Number.isInteger(value) && value >= 0 && value < this.n;
  }

  /** One of them, each as likely. */
  sample(random: RandomStream): number {
    return random.integer(this.n);
  }
}

/** What observations or actions may be. */
export type Space = Box | Discrete;
