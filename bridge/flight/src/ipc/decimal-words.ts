/** The integer that the 32-bit words of a decimal make, lowest first, in two's complement. */
export function integerOf(words: Uint32Array): bigint {
  let value = BigInt(words[words.length - 1]! | 0);
  for (let word = words.length - 2; word >= 0; word--) value = (value << 32n) | BigInt(words[word]!);
  return value;
}

/** What a decimal does that apache-arrow's own do wrongly. They are set on each, because apache-arrow gives it another prototype. */
const exact = {
  toString: { value: textOf },
  toJSON: { value: jsonOf },
  valueOf: { value: numberOf },
  [Symbol.toPrimitive]: { value: primitiveOf },
};

const widest = 8;

/**
 * The words of a column of decimals. apache-arrow's `get` cuts a value's words out with `subarray`; the pieces say rightly what they
 * are as text, as JSON and as numbers, where apache-arrow prints negative decimals of 64 bits unsigned, those of 256 bits with digits
 * missing, and has no number for those of 32.
 */
export class DecimalWords extends Uint32Array<ArrayBufferLike> {
  override subarray(begin?: number, end?: number): Uint32Array<ArrayBufferLike> {
    const words = super.subarray(begin, end);
    return words.length > 0 && words.length <= widest ? Object.defineProperties(words, exact) : words;
  }
}

function textOf(this: Uint32Array): string {
  return String(integerOf(this));
}

/** In quotes, as apache-arrow has it. */
function jsonOf(this: Uint32Array): string {
  return `"${integerOf(this)}"`;
}

function numberOf(this: Uint32Array, scale = 0): number {
  return Number(`${integerOf(this)}e${-scale}`);
}

function primitiveOf(this: Uint32Array, hint: string): number | string {
  return hint === "number" ? Number(integerOf(this)) : String(integerOf(this));
}
