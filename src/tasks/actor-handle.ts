import { currentContext } from "./context.js";
import { type ActorRecord, type CodeRegistry, type Live, type LiveRecord, toRecord } from "./live.js";
import type { ObjectRef } from "./object-ref.js";
import { fillReturns, streamed } from "./options.js";
import type { Returned, Returns } from "./returns.js";
import type { ActorId } from "./scheduler/events.js";

/** Arguments as they may be given: each one as a value or as a reference to it. */
export type RemoteArguments<A extends readonly unknown[]> = { [K in keyof A]: A[K] | ObjectRef<A[K]> };

/** A method seen from outside the actor: `handle.method.remote(...)` returns a reference to what it will return. */
export interface ActorMethod<A extends unknown[], R, N extends number = 1> {
  remote(...args: RemoteArguments<A>): Returned<R, N>;
  /** The same method with other options: throws INVALID_ARGUMENT for what makes no sense. */
  options<const M extends number = N>(options: MethodOptions<M>): ActorMethod<A, R, M>;
}

/** Options of a call of an actor's method, as tasks have them. */
export interface MethodOptions<N extends number = number> {
  numReturns?: N;
  generatorBackpressure?: number;
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
  readonly maxTaskRetries: number;
  /** Absent where a call makes one object. */
  readonly returns: Returns | undefined;
  /** The handle: who can call the actor keeps it alive. */
  readonly handle: object;
}

/** Makes a handle of an actor that exists. */
export function createActorHandle<T>(record: ActorRecord): ActorHandle<T> {
  const { actor, className, maxTaskRetries } = record;
  const handle: Record<PropertyKey, unknown> = {
    [actorId]: actor,
    [toRecord]: (_codes: CodeRegistry): LiveRecord => record,
    /** Ends the actor: for handles that are held by `using`. */
    [Symbol.dispose]: () => currentContext().backend.kill(actor, false),
  };
  for (const entry of record.methods) {
    const isGenerator = entry.startsWith("*");
    const method = isGenerator ? entry.slice(1) : entry;
    const returns = isGenerator ? streamed : undefined;
    const target: MethodTarget = { actor, className, method, maxTaskRetries, handle, returns };
    handle[method] = createMethod(target);
  }
  return Object.freeze(handle) as ActorHandle<T>;
}

function createMethod(target: MethodTarget): ActorMethod<unknown[], unknown> {
  const { returns } = target;
  const call =
    returns === undefined
      ? (...args: unknown[]) => currentContext().backend.call(target, args)
      : (...args: unknown[]) => currentContext().backend.callReturning({ ...target, returns }, args);
  const withOptions = (options: MethodOptions) => createMethod({ ...target, returns: fillReturns(options, returns) });
  return { remote: call, options: withOptions } as ActorMethod<unknown[], unknown>;
}
