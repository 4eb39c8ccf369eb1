/** What a stream is named by: a seed, then words and indices from the coarse to the fine. */
export type RandomKey = number | string;

const rounds = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const text = new TextEncoder();
const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/**
 * A stream of random numbers that is a pure function of its key, e.g. `new RandomStream(seed, "es", update, pair)`.
 *
 * The words are Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3"): block `n`
 * of a stream is its key's encryption of the counter `n`. So two threads that name the same key draw the same numbers,
 * whoever draws first, and streams of different keys are independent. Everything here, `normal` too, is made of
 * integer operations and of +, -, *, / and sqrt on doubles, which IEEE 754 rounds exactly: the same bits on every
 * machine and every engine.
 */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  readonly #block = new Int32Array(2);
  #counter = 0;
  #spare = false;

  constructor(...key: RandomKey[]) {
    for (const part of key) absorb(this.#block, part);
    this.#key0 = this.#block[0]!;
    this.#key1 = this.#block[1]!;
  }

  /** The next 32 bits. */
  uint32(): number {
    if (this.#spare) {
      this.#spare = false;
      return this.#block[1]! >>> 0;
    }
    this.#refill();
    this.#spare = true;
    return this.#block[0]! >>> 0;
  }

  /** A number in [0, 1), a multiple of 2^-53. Always takes a whole block. */
  next(): number {
    this.#refill();
    return ((this.#block[0]! >>> 5) * 0x4000000 + (this.#block[1]! >>> 6)) / 0x20000000000000;
  }

  /** An integer in [0, below); `below` is at most 2^32, and the bias is under 2^-21. */
  integer(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** A standard normal number: the inverse distribution function at the middle of one of 2^52 equal intervals. */
  normal(): number {
    this.#refill();
    const interval = (this.#block[0]! >>> 6) * 0x4000000 + (this.#block[1]! >>> 6);
    return normalQuantile((interval + 0.5) / 0x10000000000000);
  }

  /** Fills `out` with standard normal numbers, rounded to its type. */
  fillNormal(out: Float32Array | Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
  }

  #refill(): void {
    this.#spare = false;
    this.#block[0] = this.#counter | 0;
    this.#block[1] = (this.#counter / 0x100000000) | 0;
    this.#counter++;
    threefry(this.#key0, this.#key1, this.#block);
  }
}

/** Mixes one part of a key into `key`: its kind and length first, so that no two different keys read alike. */
function absorb(key: Int32Array, part: RandomKey): void {
  if (typeof part === "number") {
    float[0] = part === 0 ? 0 : part; // -0 names the same stream as 0
    mix(key, 1, 8);
    mix(key, floatWords[0]!, floatWords[1]!);
    return;
  }
  const bytes = text.encode(part);
  mix(key, 2, bytes.length);
  for (let i = 0; i < bytes.length; i += 8) mix(key, word(bytes, i), word(bytes, i + 4));
}

function word(bytes: Uint8Array, at: number): number {
  const byte = (i: number) => bytes[at + i] ?? 0;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | (byte(3) << 24);
}

function mix(key: Int32Array, low: number, high: number): void {
  const key0 = key[0]!;
  const key1 = key[1]!;
  key[0] = low;
  key[1] = high;
  threefry(key0, key1, key);
}

/** Threefry-2x32-20 of the counter in `block`, in place. Exported for its known answers. */
export function threefry(key0: number, key1: number, block: Int32Array): void {
  const key2 = 0x1bd11bda ^ key0 ^ key1;
  let a = (block[0]! + key0) | 0;
  let b = (block[1]! + key1) | 0;
  for (let group = 0; group < 5; group++) {
    for (let i = 0; i < 4; i++) {
      const by = rounds[(group * 4 + i) & 7]!;
      a = (a + b) | 0;
      b = ((b << by) | (b >>> (32 - by))) ^ a;
    }
    const phase = (group + 1) % 3;
    a = (a + (phase === 0 ? key0 : phase === 1 ? key1 : key2)) | 0;
    b = (b + (phase === 0 ? key1 : phase === 1 ? key2 : key0) + group + 1) | 0;
  }
  block[0] = a;
  block[1] = b;
}

/**
 * The inverse of the standard normal distribution function for `p` in (0, 1), to about 16 digits: Wichura's AS 241
 * (PPND16), whose three rational functions are written as numerator and denominator from the highest power down.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(central.numerator, r)) / polynomial(central.denominator, r);
  }
  const r = Math.sqrt(-logarithm(q < 0 ? p : 1 - p));
  const region = r <= 5 ? middle : tail;
  const shifted = r - (r <= 5 ? 1.6 : 5);
  const value = polynomial(region.numerator, shifted) / polynomial(region.denominator, shifted);
  return q < 0 ? -value : value;
}

function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0;
  for (let i = 0; i < coefficients.length; i++) sum = sum * x + coefficients[i]!;
  return sum;
}

/** Natural logarithm of a normal positive double, from exact operations only (Math.log may differ between engines). */
function logarithm(x: number): number {
  float[0] = x;
  let exponent = ((floatWords[1]! >>> 20) & 0x7ff) - 1023;
  floatWords[1] = (floatWords[1]! & 0xfffff) | (1023 << 20);
  let mantissa = float[0]!;
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const s = (mantissa - 1) / (mantissa + 1); // log m = 2 atanh s, |s| < 0.172
  const s2 = s * s;
  let series = 0;
  for (let k = 21; k >= 1; k -= 2) series = series * s2 + 1 / k;
  return exponent * Math.LN2 + 2 * s * series;
}

const central = {
  numerator: [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  denominator: [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
};

const middle = {
  numerator: [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  denominator: [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
};

const tail = {
  numerator: [
    2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  denominator: [
    2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
  ],
};
