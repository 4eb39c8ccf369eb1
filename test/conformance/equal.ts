import { inspect, isDeepStrictEqual } from "node:util";

/** Throws, with both values, unless they are the same. */
export function equal<T>(actual: T, expected: T, what: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  throw new Error(`${what}: ${inspect(actual)} and not ${inspect(expected)}`);
}
