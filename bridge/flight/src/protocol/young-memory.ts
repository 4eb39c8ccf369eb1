/** How many bytes of fresh memory bring about a collection of what is young. */
const untilCollection = 4 << 20;

/** Objects of less than 128 KiB begin in V8's young generation; eight of them fill it when it has its first size of 1 MiB. */
const objects = 8;
const slots = 16_000;

let fresh = 0;
let garbage: unknown[] = [];

/**
 * To be told of `bytes` of memory outside V8's heap (an ArrayBuffer) that were made for data which mostly dies young.
 *
 * V8 counts such memory as growth of what is old from the moment it is made, and marks the whole heap after some 30 MB of growth;
 * it collects what is young after 32 MB of ArrayBuffers, which comes too late, or after 1 MB of objects. A stream whose messages
 * are read and dropped has few objects, and would cost a full collection every 30 MB: half of a client's time. So objects are made
 * and dropped here, which brings the cheap collection in time.
 */
export function countYoungMemory(bytes: number): void {
  fresh += bytes;
  if (fresh < untilCollection) return;
  fresh = 0;
  for (let i = 0; i < objects; i++) garbage.push(new Array(slots));
  garbage = [];
}
