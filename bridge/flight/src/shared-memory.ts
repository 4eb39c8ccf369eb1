import type { Allocate } from "./messages.js";
import { allocateAligned } from "./protocol/grpc-frame.js";

/** Shorter messages are no trouble to V8, and shared memory of their own would cost more than it saves. */
const shortest = 256 << 10;

/** Memory is asked of the system in pieces of this length, or of the message's where that is more than half of it. */
const slabBytes = 8 << 20;

/**
 * Returns memory for messages that are kept, to be set as `messages.allocate`: V8 counts every ArrayBuffer that stays as growth of its
 * heap, and marks the whole of it after some 30 MB; it does not count SharedArrayBuffers, which this gives to messages of 256 KiB and
 * more. A server that keeps what is put takes half of the processor time so.
 *
 * Messages share pieces of 8 MiB: one that is kept keeps its neighbours' memory. So have one for each stream, and the default for
 * messages that are read and dropped: V8 does not hurry to collect what it does not count.
 */
export function allocateShared(): Allocate {
  let slab = new SharedArrayBuffer(0);
  let used = 0;
  return (bytes) => {
    if (bytes < shortest) return allocateAligned(bytes);
    const padded = bytes + (-bytes & 63);
    if (padded > slabBytes / 2) return new Uint8Array(new SharedArrayBuffer(padded), padded - bytes, bytes);
    if (used + padded > slab.byteLength) {
      slab = new SharedArrayBuffer(slabBytes);
      used = 0;
    }
    used += padded;
    return new Uint8Array(slab, used - bytes, bytes);
  };
}
