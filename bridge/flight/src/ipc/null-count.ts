/** How many of the first `length` values a validity bitmap, which begins at a multiple of 4 bytes, calls null. */
export function countNulls(bitmap: Uint8Array, length: number): number {
  const whole = Math.floor(length / 32);
  const words = new Uint32Array(bitmap.buffer, bitmap.byteOffset, whole);
  let valid = 0;
  for (let i = 0; i < whole; i++) {
    // Bits are added up in pairs, the pairs in fours, and the four bytes' sums by a product.
    let word = words[i]!;
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    valid += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  for (let row = 32 * whole; row < length; row++) valid += (bitmap[Math.floor(row / 8)]! >>> (row % 8)) & 1;
  return length - valid;
}
