import type { StoredObject } from "../../store/index.js";
import type { ClientReply } from "../protocol.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";
import type { ObjectMemory } from "./supervisor.js";

interface Loan {
  readonly client: ClientId;
  readonly object: ObjectId;
  readonly memory: StoredObject;
}

interface Spare {
  readonly client: ClientId;
  readonly bytes: number;
}

/** How long threads are given to look for what they no longer need. One that runs a long task does not answer. */
const patienceMilliseconds = 5000;
/** At most so much of the memory lies ready for the next values. */
const spareShare = 1 / 4;
/** Smaller buffers are not worth a message. */
const smallestSpare = 1 << 20;

type Send = (client: ClientId, message: ClientReply) => void;

/**
 * Which threads have views of which values in the store: memory stays where it is until each has given it back. And the
 * other way round, buffers of values that are gone are lent to the threads that made them, for their next ones.
 */
export class Lending {
  readonly #send: Send;
  readonly #flush: () => void;
  readonly #lives: (client: ClientId) => boolean;
  readonly #store: ObjectMemory | undefined;
  readonly #loans = new Map<number, Loan>();
  readonly #spares = new Map<number, Spare>();
  #spareBytes = 0;
  /** How many loans have come back. */
  #returned = 0;
  #last = 0;
  /** Threads that were asked to collect their garbage and did not answer yet, by round. */
  readonly #asked = new Map<number, Set<ClientId>>();
  /** Called when something came back, or somebody answered. */
  #heard: (() => void)[] = [];

  /** `lives` says of a thread whether it is there. */
  constructor(store: ObjectMemory | undefined, send: Send, flush: () => void, lives: (client: ClientId) => boolean) {
    this.#store = store;
    this.#lives = lives;
    this.#send = send;
    this.#flush = flush;
    store?.lendTo({ recall: () => this.#recall(), ask: () => this.#ask() });
  }

  /** How many views threads may have, for tests and for people. */
  get size(): number {
    return this.#loans.size;
  }

  /** Notes that a thread is about to get a value whose memory was opened. */
  lend(client: ClientId, object: ObjectId, memory: StoredObject): number {
    this.#last += 1;
    this.#loans.set(this.#last, { client, object, memory });
    return this.#last;
  }

  giveBack(client: ClientId, loans: readonly number[]): void {
    for (const number of loans) {
      const loan = this.#loans.get(number);
      if (loan?.client !== client) continue;
      this.#loans.delete(number);
      this.#returned += 1;
      loan.memory.close();
    }
    this.#tellHeard();
  }

  /** The values of these objects were dropped for everybody: threads that read them forget them. */
  freed(objects: ReadonlySet<ObjectId>): void {
    for (const { client, object } of this.#loans.values()) {
      if (objects.has(object)) this.#send(client, { type: "freed", object });
    }
  }

  /** A thread has collected its garbage; what it gave back came before. */
  collected(client: ClientId, round: number): void {
    this.#asked.get(round)?.delete(client);
    this.#tellHeard();
  }

  /** A thread has ended, and all its views with it. */
  forget(client: ClientId): void {
    for (const [number, loan] of this.#loans) if (loan.client === client) this.giveBack(client, [number]);
    for (const [number, spare] of this.#spares) if (spare.client === client) this.usesSpare(client, number);
    for (const round of this.#asked.keys()) this.collected(client, round);
  }

  /** Gives a buffer like that of a value which is gone to the thread that made it. */
  spare(client: ClientId, bytes: number): void {
    const store = this.#store;
    if (store === undefined || bytes < smallestSpare || !this.#lives(client)) return;
    if (this.#spareBytes + bytes > store.usage().memory * spareShare) return;
    const buffer = store.takeKept(bytes);
    if (buffer === undefined) return;
    this.#last += 1;
    this.#spares.set(this.#last, { client, bytes });
    this.#spareBytes += bytes;
    this.#send(client, { type: "spare", number: this.#last, buffer });
  }

  /** A thread has written a value to a spare buffer: from now on it counts as that value, or not at all. */
  usesSpare(client: ClientId, number: number): void {
    const spare = this.#spares.get(number);
    if (spare?.client !== client) return;
    this.#spares.delete(number);
    this.#spareBytes -= spare.bytes;
    this.#store!.giveUp(spare.bytes);
  }

  #recall(): boolean {
    if (this.#spares.size === 0) return false;
    for (const client of new Set([...this.#spares.values()].map(({ client }) => client))) {
      this.#send(client, { type: "dropSpares" });
    }
    for (const [number, { client }] of [...this.#spares]) this.usesSpare(client, number);
    this.#flush();
    return true;
  }

  /** Has every thread give back what it does not need, for tests and for people. */
  async tidy(): Promise<void> {
    this.#recall();
    while (this.#loans.size > 0 && (await this.#ask()));
  }

  /** Has every thread that may have views collect its garbage; returns whether something came back. */
  async #ask(): Promise<boolean> {
    const asked = new Set<ClientId>();
    for (const { client } of this.#loans.values()) if (this.#lives(client)) asked.add(client);
    // An answer to an earlier round may be from before a thread let go of what it was lent since.
    const round = ++this.#last;
    this.#asked.set(round, asked);
    for (const client of asked) this.#send(client, { type: "collect", round });
    this.#flush();
    // Not how many there are: others may be lent meanwhile.
    const before = this.#returned;
    const until = performance.now() + patienceMilliseconds;
    while (this.#returned === before && asked.size > 0) {
      const left = until - performance.now();
      if (left <= 0) break;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#heard.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.#asked.delete(round);
    return this.#returned > before;
  }

  #tellHeard(): void {
    for (const tell of this.#heard.splice(0)) tell();
  }
}
