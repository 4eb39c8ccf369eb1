import { RayflightError } from "../error.js";
import type { Backend } from "./backend.js";
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

/** The method of a handle by which `kill` ends its actor. A registered symbol: it holds across copies of the package. */
export const endActor: unique symbol = Symbol.for("rayflight.endActor") as never;

/** What every actor handle has besides the methods. */
export interface ActorControl extends Live, Disposable {
  /** Ends the actor; with `restart`, its thread alone. Does nothing once the session has ended, and the actor with it. */
  [endActor](restart: boolean): void;
}

/** Whose a handle is: it calls its actor in the session that it belongs to, whichever the thread has by then. */
export interface HandleOwner extends Pick<Backend, "call" | "callReturning" | "kill"> {
  readonly codec: CodeRegistry;
}

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
export function createActorHandle<T>(record: ActorRecord, owner: HandleOwner): ActorHandle<T> {
  const { actor, className, methods, calls } = record;
  const end = (restart: boolean) => owner.kill(actor, restart);
  const handle: Record<PropertyKey, unknown> = {
    [endActor]: end,
    [toRecord]: (codes: CodeRegistry): LiveRecord => {
      if (codes === owner.codec) return record;
      throw new RayflightError("FAILED_PRECONDITION", `A handle of ${className} belongs to another session.`, {
        hint: "Use a handle in the session that made it.",
      });
    },
    /** Ends the actor: for handles that are held by `using`. */
    [Symbol.dispose]: () => end(false),
  };
  for (const entry of methods) {
    const isGenerator = entry.startsWith("*");
    const method = isGenerator ? entry.slice(1) : entry;
    // Any class may have a method toString.
    const its = Object.hasOwn(calls.methods, method) ? calls.methods[method]! : {};
    handle[method] = createMethod({ record, owner, handle, method, isGenerator }, its);
  }
  return Object.freeze(handle) as ActorHandle<T>;
}

interface Method {
  readonly record: ActorRecord;
  readonly owner: HandleOwner;
  readonly handle: object;
  readonly method: string;
  readonly isGenerator: boolean;
}

function createMethod(known: Method, options: MethodOptions): ActorMethod<unknown[], unknown> {
  const { record, owner, handle, method, isGenerator } = known;
  const { actor, className, calls } = record;
  const { maxTaskRetries = calls.maxTaskRetries, name = `${className}.${method}`, concurrencyGroup } = options;
  const { maxPendingCalls } = calls;
  checkMethodOptions(`${className}.${method}`, options, calls.groups);
  const group = concurrencyGroup === undefined ? 0 : calls.groups.indexOf(concurrencyGroup) + 1;
  const returns = fillReturns(options, isGenerator ? streamed : undefined);
  const target = { actor, className, method, name, group, maxTaskRetries, maxPendingCalls, handle, returns };
  const several = returns && { ...target, returns };
  const call =
    several === undefined
      ? (...args: unknown[]) => owner.call(target, args)
      : (...args: unknown[]) => owner.callReturning(several, args);
  const withOptions = (more: MethodOptions) => createMethod(known, { ...options, ...more });
  return { remote: call, options: withOptions } as ActorMethod<unknown[], unknown>;
}
