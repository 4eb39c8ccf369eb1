import { collectGarbage, noteGarbage } from "../store/garbage.js";
import { wholePages } from "../store/size.js";
import type { PackedValue, StoredValue } from "../store/value.js";
import { isPrimitive } from "../store/value-survey.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage, ClientReply } from "./protocol.js";
import { acceptedWord } from "./rings/bell.js";
import type { ObjectId } from "./scheduler/events.js";

/** How many bytes of values a thread may have sent that the node has not counted yet. */
const underWayLimit = 1 << 25;
const kibibyte = 1024;
/** How much memory that goes to and fro counts as garbage: what is dropped of it then is no more than its last use. */
const spareWeight = 1 / 16;

/** What the node says about memory. */
type MemoryReply = ClientReply & { type: "spare" | "dropSpares" | "freed" };

export function isAboutMemory(reply: ClientReply): reply is MemoryReply {
  const { type } = reply;
  return type === "spare" || type === "dropSpares" || type === "freed";
}

/**
 * The shared memory that this thread writes values to, and that in which it reads them. The node counts all of it: what
 * is written, once it hears of it; what is read stays in memory until this thread's last view is gone, which only this
 * thread's garbage collector knows.
 */
export class SharedMemory {
  readonly #outbox: Outbox<ClientMessage>;
  readonly #words: Int32Array;
  /** What was read, by object, as long as something here has a view of it. */
  readonly #open = new Map<ObjectId, WeakRef<PackedValue>>();
  /** Which buffers are the store's: they do not travel inside of values. */
  readonly #buffers = new WeakSet<SharedArrayBuffer>();
  readonly #loans = new Map<number, WeakRef<SharedArrayBuffer>>();
  readonly #views = new FinalizationRegistry<number>((loan) => this.#giveBack(loan));
  readonly #values = new FinalizationRegistry<ObjectId>((id) => {
    if (this.#open.get(id)?.deref() === undefined) this.#open.delete(id);
  });
  /** Buffers that the node gave for the next values, by size: their pages have been touched. */
  readonly #spares = new Map<number, { number: number; buffer: SharedArrayBuffer }[]>();
  /** Kibibytes sent, as the node counts them. */
  #sent = 0;

  /** `words` are this thread's. */
  constructor(words: SharedArrayBuffer, outbox: Outbox<ClientMessage>) {
    this.#words = new Int32Array(words);
    this.#outbox = outbox;
  }

  /**
   * Memory for a value of so many bytes, which is sent to the node before this turn is over. Waits while the node has not
   * counted what was sent before: it may have to write to disk first.
   */
  allocate(bytes: number): SharedArrayBuffer {
    const size = wholePages(bytes);
    this.#waitForRoom();
    const spare = this.#spares.get(size)?.pop();
    noteGarbage(spare === undefined ? size : size * spareWeight);
    const buffer = spare?.buffer ?? new SharedArrayBuffer(size);
    // Only now: the node never counts what the system did not give.
    this.#sent = (this.#sent + Math.ceil(size / kibibyte)) | 0;
    if (spare !== undefined) this.#outbox.push({ type: "usesSpare", spare: spare.number });
    return buffer;
  }

  /** Whether a buffer is the store's, and seen by this thread because it read a value. */
  has(buffer: SharedArrayBuffer): boolean {
    return this.#buffers.has(buffer);
  }

  /** Values have come from the node: from now on this thread may have views of them. */
  take(values: readonly StoredValue[]): void {
    for (const value of values) {
      if (isPrimitive(value) || value.loan === undefined) continue;
      const buffer = value.bytes.buffer as unknown as SharedArrayBuffer;
      this.#buffers.add(buffer);
      this.#loans.set(value.loan, new WeakRef(buffer));
      this.#views.register(buffer, value.loan);
      noteGarbage(buffer.byteLength);
    }
  }

  /** Keeps what was read of an object, as long as something here has it anyway. */
  keep(id: ObjectId, value: StoredValue): void {
    if (isPrimitive(value) || value.loan === undefined) return;
    this.#open.set(id, new WeakRef(value));
    this.#values.register(value, id);
  }

  /** What was read of an object, if it is still here. */
  find(id: ObjectId): PackedValue | undefined {
    return this.#open.size === 0 ? undefined : this.#open.get(id)?.deref();
  }

  /** The object's value was dropped. */
  forget(id: ObjectId): void {
    this.#open.delete(id);
  }

  receive(reply: MemoryReply): void {
    if (reply.type === "spare") {
      const { number, buffer } = reply;
      const spares = this.#spares.get(buffer.byteLength);
      if (spares === undefined) this.#spares.set(buffer.byteLength, [{ number, buffer }]);
      else spares.push({ number, buffer });
    } else if (reply.type === "dropSpares") {
      for (const [size, spares] of this.#spares) noteGarbage(size * spares.length);
      this.#spares.clear();
    } else if (reply.type === "freed") this.forget(reply.object);
  }

  /** The last view of a buffer is gone. */
  #giveBack(loan: number): void {
    if (!this.#loans.delete(loan)) return;
    const last = this.#outbox.last;
    if (last?.type === "giveBack") last.loans.push(loan);
    else this.#outbox.push({ type: "giveBack", loans: [loan] });
  }

  #collect(): void {
    if (this.#loans.size === 0) return;
    collectGarbage();
    for (const [loan, view] of this.#loans) if (view.deref() === undefined) this.#giveBack(loan);
  }

  #waitForRoom(): void {
    for (let waits = false; ; waits = true) {
      const accepted = Atomics.load(this.#words, acceptedWord);
      if (((this.#sent - accepted) | 0) * kibibyte <= underWayLimit) return;
      // What the node waits for may be garbage of this thread, and its finalizers do not run while it waits, too.
      if (!waits) this.#collect();
      this.#outbox.flush();
      Atomics.wait(this.#words, acceptedWord, accepted, 1000);
    }
  }
}
