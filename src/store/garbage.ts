import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** After so much shared memory was let go of, the thread collects its garbage. */
const patience = 1 << 28;

let bytes = 0;
let collect: (() => void) | undefined;

/**
 * Says that this thread dropped shared memory. V8 does not see how large that is: a few small objects may keep gigabytes,
 * and no collection would ever come.
 */
export function noteGarbage(dropped: number): void {
  bytes += dropped;
  if (bytes > patience) collectGarbage();
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
