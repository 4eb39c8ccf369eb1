import { performance } from "node:perf_hooks";

const origin = performance.timeOrigin;

/** Milliseconds since 1970, to parts of a microsecond. Threads agree to some microseconds. */
export function wallTime(): number {
  return origin + performance.now();
}
