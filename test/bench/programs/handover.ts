/** Values that pass from one giver to one taker, one at a time: `give` resolves once its value was taken. */
export class Handover<T> implements AsyncIterable<T> {
  #value: { value: T; taken(): void } | undefined;
  #ended = false;
  #arrived: (() => void) | undefined;

  give(value: T): Promise<void> {
    return new Promise((taken) => {
      this.#value = { value, taken };
      this.#arrived?.();
    });
  }

  end(): void {
    this.#ended = true;
    this.#arrived?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#value;
      this.#value = undefined;
      if (next !== undefined) {
        next.taken();
        yield next.value;
      } else if (this.#ended) {
        this.#ended = false;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      }
    }
  }
}
