// SIMD kernels over raw addresses, compiled by AssemblyScript, and the loop that runs a program of them in one call.
//
// Every buffer starts at a multiple of 16 bytes and is padded to one, so element-wise kernels may work on whole vectors.
// All arithmetic is IEEE 754 single precision in a fixed order (no relaxed SIMD, nothing fused): the same bits everywhere.
// Instruction layout and operation codes: tape.ts. No strings or static arrays here: the memory belongs to the program, and
// data segments would be written into it.

/** Runs `count` instructions of eight 32-bit words each. */
export function run(tape: usize, count: i32): void {
  for (let i = 0; i < count; i++, tape += 32) {
    const op = load<i32>(tape);
    const y = <usize>load<u32>(tape, 4);
    const a = <usize>load<u32>(tape, 8);
    const b = <usize>load<u32>(tape, 12);
    const n = load<i32>(tape, 16);
    const k = load<i32>(tape, 20);
    const m = load<i32>(tape, 24);
    if (op == 0) matmul(y, a, b, n, k, m);
    else if (op == 1) tanh(y, a, n);
    else if (op == 2) sqrt(y, a, n);
    else if (op == 3) memory.copy(y, a, <usize>n << 2);
    else if (op == 4) rows(y, a, b, n, k);
    else if (op == 5) binary(5, y, a, b, n, k);
    else if (op == 6) binary(6, y, a, b, n, k);
    else if (op == 7) binary(7, y, a, b, n, k);
    else if (op == 8) binary(8, y, a, b, n, k);
  }
}

/** y[n][m] = a[n][k] b[k][m], each sum in ascending order of k. */
function matmul(y: usize, a: usize, b: usize, n: i32, k: i32, m: i32): void {
  const depth = <usize>k << 2;
  const width = <usize>m << 2;
  let row = 0;
  for (; row + 4 <= n; row += 4, a += depth << 2, y += width << 2) {
    let column: usize = 0;
    for (; column + 32 <= width; column += 32) block4x8(y + column, a, b + column, depth, width);
    for (; column + 16 <= width; column += 16) {
      for (let r: usize = 0; r < 4; r++) block1x4(y + r * width + column, a + r * depth, b + column, depth, width);
    }
    for (; column < width; column += 4) {
      for (let r: usize = 0; r < 4; r++) cell(y + r * width + column, a + r * depth, b + column, depth, width);
    }
  }
  for (; row < n; row++, a += depth, y += width) {
    let column: usize = 0;
    for (; column + 64 <= width; column += 64) block1x16(y + column, a, b + column, depth, width);
    for (; column + 16 <= width; column += 16) block1x4(y + column, a, b + column, depth, width);
    for (; column < width; column += 4) cell(y + column, a, b + column, depth, width);
  }
}

// @ts-ignore: decorator
@inline
function block4x8(y: usize, a0: usize, b: usize, depth: usize, width: usize): void {
  const a1 = a0 + depth, a2 = a1 + depth, a3 = a2 + depth;
  let p0 = f32x4.splat(0), p1 = p0, q0 = p0, q1 = p0, r0 = p0, r1 = p0, s0 = p0, s1 = p0;
  for (let i: usize = 0; i < depth; i += 4, b += width) {
    const left = v128.load(b), right = v128.load(b, 16);
    let x = v128.load32_splat(a0 + i);
    p0 = f32x4.add(p0, f32x4.mul(x, left));
    p1 = f32x4.add(p1, f32x4.mul(x, right));
    x = v128.load32_splat(a1 + i);
    q0 = f32x4.add(q0, f32x4.mul(x, left));
    q1 = f32x4.add(q1, f32x4.mul(x, right));
    x = v128.load32_splat(a2 + i);
    r0 = f32x4.add(r0, f32x4.mul(x, left));
    r1 = f32x4.add(r1, f32x4.mul(x, right));
    x = v128.load32_splat(a3 + i);
    s0 = f32x4.add(s0, f32x4.mul(x, left));
    s1 = f32x4.add(s1, f32x4.mul(x, right));
  }
  v128.store(y, p0);
  v128.store(y, p1, 16);
  y += width;
  v128.store(y, q0);
  v128.store(y, q1, 16);
  y += width;
  v128.store(y, r0);
  v128.store(y, r1, 16);
  y += width;
  v128.store(y, s0);
  v128.store(y, s1, 16);
}

// @ts-ignore: decorator
@inline
function block1x16(y: usize, a: usize, b: usize, depth: usize, width: usize): void {
  let p = f32x4.splat(0), q = p, r = p, s = p;
  for (let i: usize = 0; i < depth; i += 4, b += width) {
    const x = v128.load32_splat(a + i);
    p = f32x4.add(p, f32x4.mul(x, v128.load(b)));
    q = f32x4.add(q, f32x4.mul(x, v128.load(b, 16)));
    r = f32x4.add(r, f32x4.mul(x, v128.load(b, 32)));
    s = f32x4.add(s, f32x4.mul(x, v128.load(b, 48)));
  }
  v128.store(y, p);
  v128.store(y, q, 16);
  v128.store(y, r, 32);
  v128.store(y, s, 48);
}

// @ts-ignore: decorator
@inline
function block1x4(y: usize, a: usize, b: usize, depth: usize, width: usize): void {
  let p = f32x4.splat(0);
  for (let i: usize = 0; i < depth; i += 4, b += width) {
    p = f32x4.add(p, f32x4.mul(v128.load32_splat(a + i), v128.load(b)));
  }
  v128.store(y, p);
}

// @ts-ignore: decorator
@inline
function cell(y: usize, a: usize, b: usize, depth: usize, width: usize): void {
  let sum: f32 = 0;
  for (let i: usize = 0; i < depth; i += 4, b += width) sum += load<f32>(a + i) * load<f32>(b);
  store<f32>(y, sum);
}

/** y = tanh a: odd polynomial over even polynomial, at most 5e-7 off; constant beyond +-7.905, where tanh is 1 in single precision. */
function tanh(y: usize, a: usize, n: i32): void {
  const end = a + (<usize>n << 2);
  const bound = f32x4.splat(7.90531110763549805);
  for (; a < end; a += 16, y += 16) {
    const x = f32x4.max(f32x4.min(v128.load(a), bound), f32x4.neg(bound));
    const x2 = f32x4.mul(x, x);
    let p = f32x4.splat(-2.76076847742355e-16);
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(2.00018790482477e-13));
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(-8.60467152213735e-11));
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(5.12229709037114e-8));
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(1.48572235717979e-5));
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(6.37261928875436e-4));
    p = f32x4.add(f32x4.mul(p, x2), f32x4.splat(4.89352455891786e-3));
    let q = f32x4.splat(1.19825839466702e-6);
    q = f32x4.add(f32x4.mul(q, x2), f32x4.splat(1.18534705686654e-4));
    q = f32x4.add(f32x4.mul(q, x2), f32x4.splat(2.268434632439e-3));
    q = f32x4.add(f32x4.mul(q, x2), f32x4.splat(4.89352518554385e-3));
    v128.store(y, f32x4.div(f32x4.mul(x, p), q));
  }
}

function sqrt(y: usize, a: usize, n: i32): void {
  const end = a + (<usize>n << 2);
  for (; a < end; a += 16, y += 16) v128.store(y, f32x4.sqrt(v128.load(a)));
}

/** y = block `load(block)` of the table: `size` numbers; a block outside the table's `blocks` is its nearest one. */
function rows(y: usize, table: usize, block: usize, size: i32, blocks: i32): void {
  const wanted = <i32>load<f32>(block);
  const at = max(0, min(blocks - 1, wanted));
  memory.copy(y, table + (<usize>at * <usize>size << 2), <usize>size << 2);
}

// @ts-ignore: decorator
@inline
function apply4(op: i32, a: v128, b: v128): v128 {
  if (op == 5) return f32x4.add(a, b);
  if (op == 6) return f32x4.sub(a, b);
  if (op == 7) return f32x4.mul(a, b);
  return f32x4.div(a, b);
}

// @ts-ignore: decorator
@inline
function apply1(op: i32, a: f32, b: f32): f32 {
  if (op == 5) return a + b;
  if (op == 6) return a - b;
  if (op == 7) return a * b;
  return a / b;
}

/** y[n] = a[n] op b, b repeated every `period` numbers. Inlined for each constant `op`, so that its loops do not branch. */
// @ts-ignore: decorator
@inline
function binary(op: i32, y: usize, a: usize, b: usize, n: i32, period: i32): void {
  const end = y + (<usize>n << 2);
  if (period == 1) {
    const x = v128.load32_splat(b);
    for (; y < end; a += 16, y += 16) v128.store(y, apply4(op, v128.load(a), x));
  } else if (period == n) {
    for (; y < end; a += 16, b += 16, y += 16) v128.store(y, apply4(op, v128.load(a), v128.load(b)));
  } else {
    const width = <usize>period << 2;
    for (; y < end; a += width, y += width) {
      let i: usize = 0;
      for (; i + 16 <= width; i += 16) v128.store(y + i, apply4(op, v128.load(a + i), v128.load(b + i)));
      for (; i < width; i += 4) store<f32>(y + i, apply1(op, load<f32>(a + i), load<f32>(b + i)));
    }
  }
}
