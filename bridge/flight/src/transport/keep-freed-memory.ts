let kept = false;

/**
 * Lets the C library keep up to 64 MiB of freed memory instead of returning it to the system at once.
 *
 * node:http2 allocates 64 KiB a read and frees them in bulk; glibc by default gives such memory back and faults it in again, page
 * by page, which costs half of a DoPut's time. glibc raises its limit to twice the largest block that it saw freed (malloc's
 * dynamic threshold, at most 32 MiB), so one block that is never touched, and so costs no memory, is enough. Other C libraries do
 * not mind. The garbage collector frees the block.
 */
export function keepFreedMemory(): void {
  if (kept) return;
  kept = true;
  Buffer.allocUnsafeSlow((32 << 20) - (64 << 10));
}
