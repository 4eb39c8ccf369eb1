/** How many of the first `length` values a validity bitmap calls null. */
export function countNulls(bitmap: Uint8Array, length: number): number {
  const whole = Math.floor(length / 8);
  let valid = 0;
  for (let at = 0; at < whole; at++) valid += bits[bitmap[at]!]!;
  if (length % 8 > 0) valid += bits[bitmap[whole]! & ((1 << (length % 8)) - 1)]!;
  return length - valid;
}

const bits = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll("0", "").length);
