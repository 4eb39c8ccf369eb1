/** Which stretches of a file are taken: hands out the first gap that is long enough. */
export class Extents {
  /** Where each gap begins and its length, in order; behind the last one everything is free. */
  readonly #gaps: { at: number; length: number }[] = [];
  #end = 0;

  /** Where the last stretch that is taken ends. */
  get end(): number {
    return this.#end;
  }

  take(length: number): number {
    const found = this.#gaps.findIndex((gap) => gap.length >= length);
    if (found < 0) {
      this.#end += length;
      return this.#end - length;
    }
    const gap = this.#gaps[found]!;
    const { at } = gap;
    gap.at += length;
    gap.length -= length;
    if (gap.length === 0) this.#gaps.splice(found, 1);
    return at;
  }

  give(at: number, length: number): void {
    if (length === 0) return;
    let next = this.#gaps.findIndex((gap) => gap.at > at);
    if (next < 0) next = this.#gaps.length;
    this.#gaps.splice(next, 0, { at, length });
    this.#merge(next);
    this.#merge(next - 1);
    const last = this.#gaps.at(-1)!;
    if (last.at + last.length < this.#end) return;
    this.#end = last.at;
    this.#gaps.pop();
  }

  /** Joins a gap with the next one where they touch. */
  #merge(index: number): void {
    const [gap, next] = [this.#gaps[index], this.#gaps[index + 1]];
    if (gap === undefined || next === undefined || gap.at + gap.length < next.at) return;
    gap.length += next.length;
    this.#gaps.splice(index + 1, 1);
  }
}
