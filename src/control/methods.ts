import type { Bus, CallOptions, StreamOptions } from "./bus.js";
import type { HandlerContext, Handlers } from "./bus-server.js";

/**
 * What one room answers over a bus, as plain function types: a function that returns an AsyncIterable is a stream,
 * every other one is a call. Both threads import the same interface, so neither sees `unknown`.
 */
type Answer<F> = F extends (argument: never) => infer R ? R : never;
type Argument<F> = F extends (argument: infer A) => unknown ? A : never;
type StreamNames<M> = { [K in keyof M]: Answer<M[K]> extends AsyncIterable<unknown> ? K : never }[keyof M];
type Item<F> = Answer<F> extends AsyncIterable<infer T> ? T : never;

/** The handlers that serve the interface `M`. */
export type MethodHandlers<M> = {
  [K in keyof M]: (
    argument: Argument<M[K]>,
    context: HandlerContext,
  ) => K extends StreamNames<M> ? Answer<M[K]> : Answer<M[K]> | Promise<Awaited<Answer<M[K]>>>;
};

/** A bus seen through the interface `M`. */
export interface MethodClient<M> {
  call<K extends Exclude<keyof M, StreamNames<M>> & string>(
    method: K,
    argument: Argument<M[K]>,
    options?: CallOptions,
  ): Promise<Awaited<Answer<M[K]>>>;
  stream<K extends StreamNames<M> & string>(
    method: K,
    argument: Argument<M[K]>,
    options?: StreamOptions,
  ): AsyncIterable<Item<M[K]>>;
  notify<K extends keyof M & string>(method: K, argument: Argument<M[K]>): void;
}

/** Sees a bus through the interface `M`, which the other side must serve with `serveMethods<M>`. */
export function methodsOf<M>(bus: Bus): MethodClient<M> {
  return bus as MethodClient<M>;
}

/** Serves the interface `M` on a bus. */
export function serveMethods<M>(bus: Bus, handlers: MethodHandlers<M>): void {
  bus.serve(handlers as Handlers);
}
