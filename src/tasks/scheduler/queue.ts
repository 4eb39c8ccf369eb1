/** First in, first out, in constant time. */
export class Queue<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length) this.#items[this.#head++] = undefined;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Takes out one item wherever it stands; for rare cases, as it looks at all of them. */
  remove(item: T): boolean {
    const at = this.#items.indexOf(item, this.#head);
    if (at < 0) return false;
    this.#items.splice(at, 1);
    return true;
  }

  /** Puts an item first that is among the last `atMost`; returns whether there is one. */
  advance(fits: (item: T) => boolean, atMost: number): boolean {
    for (let i = this.#items.length - 1; i >= Math.max(this.#head, this.#items.length - atMost); i--) {
      const item = this.#items[i] as T;
      if (!fits(item)) continue;
      this.#items.splice(i, 1);
      if (this.#head > 0) this.#items[--this.#head] = item;
      else this.#items.unshift(item);
      return true;
    }
    return false;
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i] as T;
  }
}
