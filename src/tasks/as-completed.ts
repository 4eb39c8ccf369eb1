import { setMaxListeners } from "node:events";
import { createInbox } from "../control/index.js";
import { currentContext } from "./context.js";
import type { ObjectRef } from "./object-ref.js";

/**
 * Gives references one by one as they become ready, failures among them, in the order in which they do. Leaving the loop
 * early leaves the tasks running. Throws CANCELLED when `signal` aborts.
 */
export async function* asCompleted<T>(
  refs: Iterable<ObjectRef<T>>,
  options: { signal?: AbortSignal } = {},
): AsyncGenerator<ObjectRef<T>> {
  const { backend } = currentContext();
  const list = [...refs];
  const ready = createInbox<ObjectRef<T>>();
  const leave = new AbortController();
  const signal = options.signal === undefined ? leave.signal : AbortSignal.any([options.signal, leave.signal]);
  setMaxListeners(0, signal);
  for (const ref of list) {
    backend.wait([ref], { numReturns: 1, signal }).then(
      () => ready.push(ref),
      (reason: Error) => ready.fail(reason),
    );
  }
  try {
    let left = list.length;
    if (left === 0) return;
    for await (const ref of ready) {
      yield ref;
      if (--left === 0) return;
    }
  } finally {
    leave.abort();
  }
}
