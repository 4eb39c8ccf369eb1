/**
 * Collects the messages of one turn and sends them as one batch on the next microtask: a thousand submissions in a loop
 * are one message.
 */
export class Outbox<M> {
  readonly #send: (batch: readonly M[]) => void;
  #batch: M[] = [];

  constructor(send: (batch: readonly M[]) => void) {
    this.#send = send;
  }

  /** The newest message that was not sent yet. */
  get last(): M | undefined {
    return this.#batch.at(-1);
  }

  push(message: M): void {
    if (this.#batch.push(message) === 1) queueMicrotask(() => this.flush());
  }

  get isEmpty(): boolean {
    return this.#batch.length === 0;
  }

  /** Sends now what was collected. */
  flush(): void {
    if (this.#batch.length === 0) return;
    const batch = this.#batch;
    this.#batch = [];
    this.#send(batch);
  }
}
