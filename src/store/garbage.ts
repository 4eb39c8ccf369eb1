import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so much shared memory was let go of, the thread collects its garbage when it has nothing else to do at once. */
const patience = 1 << 28;
/** After so much, it does not wait for that: a thread that never comes to rest must not run out of memory. */
const limit = 2 * patience;

let bytes = 0;
let scheduled = false;
let collect: (() => void) | undefined;

/**
 * Says that this thread dropped shared memory. V8 does not see how large that is: a few small objects may keep gigabytes,
 * and no collection would ever come.
 */
export function noteGarbage(dropped: number): void {
  // Before it is counted: whoever drops it, or is about to use what takes its place, does not wait for its own collection.
  if (bytes > limit) collectGarbage();
  bytes += dropped;
  if (bytes <= patience || scheduled) return;
  scheduled = true;
  setImmediate(() => {
    scheduled = false;
    if (bytes > patience) collectGarbage();
  }).unref();
}

/** Collects this thread's garbage now; finalizers run soon after. */
export function collectGarbage(): void {
  bytes = 0;
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
