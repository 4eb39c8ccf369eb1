import type { ClientId } from "../scheduler/events.js";

/** How long threads have to answer: one that computes cannot. */
const patienceMilliseconds = 200;

/** What a thread answered. */
export interface Look {
  readonly client: ClientId;
  readonly calls: Float64Array;
}

interface Asked {
  readonly waiting: Set<ClientId>;
  readonly looks: Look[];
  readonly done: () => void;
}

/** Asks threads which calls they know of that have not ended. */
export class Looks {
  readonly #ask: (client: ClientId, request: number) => void;
  readonly #asked = new Map<number, Asked>();
  #last = 0;

  constructor(ask: (client: ClientId, request: number) => void) {
    this.#ask = ask;
  }

  /** What these threads answer, as far as they do soon. */
  async all(clients: readonly ClientId[]): Promise<Look[]> {
    const request = ++this.#last;
    const looks: Look[] = [];
    const waiting = new Set(clients);
    if (waiting.size === 0) return looks;
    const answered = new Promise<void>((resolve) => this.#asked.set(request, { waiting, looks, done: resolve }));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMilliseconds);
    });
    for (const client of clients) this.#ask(client, request);
    await Promise.race([answered, late]);
    clearTimeout(timer);
    this.#asked.delete(request);
    return looks;
  }

  answer(client: ClientId, request: number, calls: Float64Array): void {
    const asked = this.#asked.get(request);
    if (asked === undefined || !asked.waiting.delete(client)) return;
    asked.looks.push({ client, calls });
    if (asked.waiting.size === 0) asked.done();
  }

  /** The thread has ended. */
  forget(client: ClientId): void {
    for (const { waiting, done } of this.#asked.values()) if (waiting.delete(client) && waiting.size === 0) done();
  }
}
