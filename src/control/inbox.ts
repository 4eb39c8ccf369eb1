/**
 * A queue between one writer that pushes and one reader that iterates. What was pushed before `end` is still read; `fail`
 * overtakes what is queued. Leaving the loop drops the rest.
 */
export interface Inbox<T> extends AsyncIterable<T> {
  push(value: T): void;
  end(): void;
  fail(error: Error): void;
}

/** Makes an empty inbox. It has no limit of its own: whoever fills it bounds it. */
export function createInbox<T>(): Inbox<T> {
  const queue: T[] = [];
  let state: "open" | "ended" | { error: Error } = "open";
  let wake: (() => void) | undefined;
  const change = () => {
    wake?.();
    wake = undefined;
  };
  return {
    push(value) {
      if (state !== "open") return;
      queue.push(value);
      change();
    },
    end() {
      if (state === "open") state = "ended";
      change();
    },
    fail(error) {
      if (state === "open") state = { error };
      change();
    },
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          if (typeof state === "object") throw state.error;
          if (queue.length > 0) yield queue.shift() as T;
          else if (state === "ended") return;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        if (state === "open") state = "ended";
        queue.length = 0;
      }
    },
  };
}
