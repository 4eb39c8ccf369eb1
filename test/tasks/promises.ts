/** The engine did what it promises not to: what the simulations throw, and nothing else does. */
export class BrokenPromise extends Error {}

/** Throws a `BrokenPromise` that says `what` unless it holds. */
export function check(holds: boolean, what: string): void {
  if (!holds) throw new BrokenPromise(what);
}
