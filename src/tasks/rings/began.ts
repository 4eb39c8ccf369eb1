/** Words 20 and 21 of a thread's: when what it runs now began, in milliseconds since 1970, as a double. */
const beganDouble = 10;

/** The thread's own hold on the word. It says when calls began for those that look from outside: the thread cannot be asked while it computes. */
export class BeganWord {
  readonly #doubles: Float64Array;

  constructor(words: SharedArrayBuffer) {
    this.#doubles = new Float64Array(words);
  }

  set(began: number): void {
    this.#doubles[beganDouble] = began;
  }
}

/** When a thread's calls began, for somebody who only looks; null when it has run none. */
export function beganAt(words: SharedArrayBuffer | undefined): number | null {
  return (words === undefined ? 0 : new Float64Array(words)[beganDouble]!) || null;
}
