/** So many addresses are kept at most; beyond, the one longest there is let go. */
const mostAddresses = 10_000;

/** The addresses whose new connections are refused for a time, because of what an earlier one did. */
export class Penalties {
  readonly #penaltyMs: number;
  readonly #until = new Map<string, number>();

  constructor(penaltyMs: number) {
    this.#penaltyMs = penaltyMs;
  }

  /** Peers without an address, as on a Unix socket, go free. */
  add(address: string | undefined): void {
    if (address === undefined || this.#penaltyMs <= 0) return;
    this.#until.delete(address);
    this.#until.set(address, performance.now() + this.#penaltyMs);
    if (this.#until.size > mostAddresses) this.#until.delete(this.#until.keys().next().value!);
  }

  has(address: string | undefined): boolean {
    if (address === undefined) return false;
    const until = this.#until.get(address);
    if (until === undefined) return false;
    if (performance.now() < until) return true;
    this.#until.delete(address);
    return false;
  }
}
