import { currentContext } from "./context.js";
import { type ActorRecord, type CodeRegistry, type Live, type LiveRecord, toRecord } from "./live.js";
import type { ObjectRef } from "./object-ref.js";
import { checkMethodOptions, fillReturns, type MethodOptions, streamed } from "./options.js";
import type { Returned, Returns } from "./returns.js";
import type { ActorId } from "./scheduler/events.js";

/**
 * Arguments as they may be given: each one as a value or as a reference to it. As references are replaced by their values, one
 * that should arrive as a reference has to lie inside of another value.
 */
export type RemoteArguments<A extends readonly unknown[]> = {
  [K in keyof A]: Exclude<A[K], ObjectRef<unknown>> | ObjectRef<A[K]>;
};

/** A method seen from outside the actor: `handle.method.remote(...)` returns a reference to what it will return. */
export interface ActorMethod<A extends unknown[], R, N extends number = 1> {
  /**
   * Calls the method and returns at once. Calls of one thread to one actor begin in the order in which they were made, in each
   * concurrency group. Throws as `Backend` says, and PENDING_CALLS_LIMIT when `maxPendingCalls` are pending.
   */
  remote(...args: RemoteArguments<A>): Returned<R, N>;
  /** The same method with other options: throws INVALID_ARGUMENT for what makes no sense. */
  options<const M extends number = N>(options: MethodOptions<M>): ActorMethod<A, R, M>;
}

// biome-ignore lint/suspicious/noExplicitAny: any method fits, whatever it takes.
type AnyMethod = (...args: any[]) => unknown;

/** An actor of the class `T` seen from outside: its public methods only. Travels inside values. */
export type ActorHandle<T> = {
  readonly [K in keyof T as K extends string ? (T[K] extends AnyMethod ? K : never) : never]: T[K] extends (
    ...args: infer A
  ) => infer R
    ? ActorMethod<A, Awaited<R>>
    : never;
} & ActorControl;

/** What every actor handle has besides the methods. */
export interface ActorControl extends Live, Disposable {
  readonly [actorId]: ActorId;
}

/** Where a handle keeps its actor's number. */
export const actorId: unique symbol = Symbol.for("rayflight.actor") as never;

/** What a handle's method is called with: one object for all its calls. */
export interface MethodTarget {
  readonly actor: ActorId;
  readonly className: string;
  readonly method: string;
  /** What errors and the state tables call it. */
  readonly name: string;
  /** The number of its concurrency group. */
  readonly group: number;
  readonly maxTaskRetries: number;
  /** 0 for no limit. */
  readonly maxPendingCalls: number;
  /** Absent where a call makes one object. */
  readonly returns: Returns | undefined;
  /** The handle: who can call the actor keeps it alive. */
  readonly handle: object;
}

/** Makes a handle of an actor that exists. */
export function createActorHandle<T>(record: ActorRecord): ActorHandle<T> {
  const { actor, methods, calls } = record;
  const handle: Record<PropertyKey, unknown> = {
    [actorId]: actor,
    [toRecord]: (_codes: CodeRegistry): LiveRecord => record,
    /** Ends the actor: for handles that are held by `using`. */
    [Symbol.dispose]: () => currentContext().backend.kill(actor, false),
  };
  for (const entry of methods) {
    const isGenerator = entry.startsWith("*");
    const method = isGenerator ? entry.slice(1) : entry;
    handle[method] = createMethod({ record, handle, method, isGenerator }, calls.methods[method] ?? {});
  }
  return Object.freeze(handle) as ActorHandle<T>;
}

interface Method {
  readonly record: ActorRecord;
  readonly handle: object;
  readonly method: string;
  readonly isGenerator: boolean;
}

function createMethod(known: Method, options: MethodOptions): ActorMethod<unknown[], unknown> {
  const { record, handle, method, isGenerator } = known;
  const { actor, className, calls } = record;
  const { maxTaskRetries = calls.maxTaskRetries, name = `${className}.${method}`, concurrencyGroup } = options;
  const { maxPendingCalls } = calls;
  checkMethodOptions(`${className}.${method}`, options, calls.groups);
  const group = concurrencyGroup === undefined ? 0 : calls.groups.indexOf(concurrencyGroup) + 1;
  const returns = fillReturns(options, isGenerator ? streamed : undefined);
  const target = { actor, className, method, name, group, maxTaskRetries, maxPendingCalls, handle, returns };
  const call =
    returns === undefined
      ? (...args: unknown[]) => currentContext().backend.call(target, args)
      : (...args: unknown[]) => currentContext().backend.callReturning({ ...target, returns }, args);
  const withOptions = (more: MethodOptions) => createMethod(known, { ...options, ...more });
  return { remote: call, options: withOptions } as ActorMethod<unknown[], unknown>;
}
