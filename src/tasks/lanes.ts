/** Numbers, from 1, for calls that overlap: a call has the smallest that is free while it runs. */
class Lanes {
  readonly #taken: boolean[] = [true];

  take(): number {
    let lane = this.#taken.indexOf(false);
    if (lane < 0) lane = this.#taken.length;
    this.#taken[lane] = true;
    return lane;
  }

  free(lane: number): void {
    this.#taken[lane] = lane === 0;
  }
}

/** Those of this thread. */
export const lanes = new Lanes();
