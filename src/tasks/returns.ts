import type { TaskClient } from "./client.js";
import { taskFailure } from "./failure.js";
import type { NewRef, ObjectRef } from "./object-ref.js";
import type { ObjectRefGenerator } from "./object-ref-generator.js";
import { packOutcome } from "./outcome.js";
import type { Outcome } from "./protocol.js";

/** What a call makes where that is not one object. Plain data: it travels. */
export type Returns =
  /** So many objects: they have the call's number and those that follow it. */
  | { readonly count: number }
  /** A stream of them, of which so many may be made and not taken; -1: no limit. */
  | { readonly ahead: number };

/** What `.remote()` gives for a function that returns `R` and has `numReturns: N`. */
export type Returned<R, N extends number> = 1 extends N
  ? IsGenerator<R> extends true
    ? ObjectRefGenerator<Kept<ItemOf<R>>>
    : NewRef<Kept<R>>
  : Several<R>;

/** What `get` gives for a result: a reference that a function returned comes by a promise, so it is an `ObjectRef`. */
type Kept<R> = 0 extends 1 & R ? R : [R] extends [never] ? R : [R] extends [ObjectRef<infer T>] ? ObjectRef<T> : R;

type AnyIterator = AsyncIterator<unknown, unknown, never> | Iterator<unknown, unknown, never>;
/** `any` and `never` are none. */
type IsGenerator<R> = 0 extends 1 & R ? false : [R] extends [never] ? false : [R] extends [AnyIterator] ? true : false;
type ItemOf<R> = R extends AsyncIterator<infer T, unknown, never> | Iterator<infer T, unknown, never> ? T : never;
type Several<R> = R extends readonly unknown[] ? { -readonly [K in keyof R]: NewRef<Kept<R[K]>> } : NewRef<unknown>[];

/** The outcomes of a call with `numReturns`: one failure for all of them when its result is not as many values. */
export function packReturns(
  result: unknown,
  count: number,
  task: { readonly name: string },
  client: TaskClient,
): { readonly outcome: Outcome; readonly more?: readonly Outcome[] } {
  if (count === 0) return { outcome: { value: undefined } };
  if (!Array.isArray(result) || result.length !== count) {
    const got = Array.isArray(result) ? `an array of ${result.length}` : "no array";
    const reason = new TypeError(`It returned ${got}, but has numReturns: ${count}`);
    return { outcome: { failure: taskFailure(task.name, reason) } };
  }
  const [outcome, ...more] = Array.from(result, (value) => packOutcome(value, task, client));
  return { outcome: outcome!, more };
}
