import { RayflightError } from "../error.js";
import { BufferPool } from "./buffer-pool.js";
import { noteGarbage } from "./garbage.js";
import { isEvictable, type Segment } from "./segment.js";
import { formatSize } from "./size.js";

/** Who asks for memory. */
interface Owner {
  readonly label: string;
  readonly released: boolean;
}

/** Who has memory that could come back. */
export interface Borrowers {
  /** Takes back what they do not use, at once; returns whether there was any. */
  recall(): boolean;
  /** Makes them look for what they no longer need; false when nothing more will come back. */
  ask(): Promise<boolean>;
}

interface Waiting {
  readonly bytes: number;
  /** Memory that exists and is to be counted; undefined asks for some. */
  readonly adopted: SharedArrayBuffer | undefined;
  readonly owner: Owner;
  resolve(buffer: SharedArrayBuffer): void;
  reject(error: RayflightError): void;
}

/**
 * Hands out memory within a limit. When it is short, the segments that were not used for longest move to disk, one at a
 * time; requests wait in line, and each is refused only when nothing is left that could move or come back.
 */
export class Budget {
  readonly #memory: number;
  readonly #spillLimit: number;
  readonly #pool = new BufferPool();
  readonly #waiting: Waiting[] = [];
  /** Segments in memory that may be evicted, least recently used first. */
  readonly #evictable = new Set<Segment>();
  #borrowers: Borrowers | undefined;
  #memoryUsed = 0;
  #pinned = 0;
  #spillUsed = 0;
  #making = false;

  constructor(memory: number, spillLimit: number) {
    this.#memory = memory;
    this.#spillLimit = spillLimit;
  }

  /** Asks `borrowers` from now on before it refuses. */
  lendTo(borrowers: Borrowers): void {
    this.#borrowers = borrowers;
  }

  usage() {
    return {
      memory: this.#memory,
      memoryUsed: this.#memoryUsed,
      pinned: this.#pinned,
      spillLimit: this.#spillLimit,
      spillUsed: this.#spillUsed,
    };
  }

  /** Memory of exactly `bytes`, zeroed or not; at once when there is room and nobody waits. */
  take(bytes: number, owner: Owner): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    return this.#ask(bytes, undefined, owner);
  }

  /** Counts memory that somebody else made; at once when there is room and nobody waits. */
  adopt(buffer: SharedArrayBuffer, owner: Owner): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    return this.#ask(buffer.byteLength, buffer, owner);
  }

  /** A buffer of exactly `bytes` that was kept for reuse, if there is one. It counts until `giveUp`. */
  takeKept(bytes: number): SharedArrayBuffer | undefined {
    const buffer = this.#waiting.length > 0 ? undefined : this.#pool.take(bytes);
    if (buffer !== undefined) this.#memoryUsed += bytes;
    return buffer;
  }

  /** Stops counting memory that never became a segment's and is nobody's any more. */
  giveUp(bytes: number): void {
    this.#memoryUsed -= bytes;
    void this.#makeRoom();
  }

  /** Takes memory back that never became a segment's. */
  giveBack(buffer: SharedArrayBuffer): void {
    this.#memoryUsed -= buffer.byteLength;
    this.#pool.put(buffer);
    void this.#makeRoom();
  }

  /** Takes a segment's memory and its place on disk back. */
  release(segment: Segment, reusable: boolean): void {
    if (segment.released) return;
    segment.released = true;
    this.#evictable.delete(segment);
    if (segment.pins > 0) this.#pinned -= segment.size;
    if (segment.buffer !== undefined) this.#drop(segment, reusable);
    if (segment.copy !== undefined) this.#forget(segment);
    void this.#makeRoom();
  }

  /** Must be called after whatever decides `isEvictable` changed; counts as a use. */
  touch(segment: Segment): void {
    this.#evictable.delete(segment);
    if (isEvictable(segment) && !segment.released) this.#evictable.add(segment);
  }

  pin(segment: Segment): void {
    segment.pins += 1;
    if (segment.pins === 1) this.#pinned += segment.size;
    this.touch(segment);
  }

  unpin(segment: Segment): void {
    if (segment.released) return;
    segment.pins -= 1;
    if (segment.pins === 0) this.#pinned -= segment.size;
    this.touch(segment);
    void this.#makeRoom();
  }

  /** A segment's memory, read from disk where it was spilled. Pin it first. Readers that come at once share one reading. */
  restore(segment: Segment, owner: Owner): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    if (segment.buffer !== undefined) return segment.buffer;
    segment.restoring ??= this.#restore(segment, owner).finally(() => {
      segment.restoring = undefined;
    });
    return segment.restoring;
  }

  /** Refuses everybody who waits, and drops what was kept for reuse. */
  close(): void {
    const closed = new RayflightError("UNAVAILABLE", "The object store is closed.", { hint: "Start the node again." });
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
    this.#pool.clear();
  }

  #ask(
    bytes: number,
    adopted: SharedArrayBuffer | undefined,
    owner: Owner,
  ): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    if (this.#waiting.length === 0 && this.#fits(bytes, adopted)) return this.#grant(bytes, adopted);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, adopted, owner, resolve, reject });
      void this.#makeRoom();
    });
  }

  /** Whether there is room, for which buffers kept for reuse give way. */
  #fits(bytes: number, adopted: SharedArrayBuffer | undefined): boolean {
    if (adopted === undefined && this.#pool.has(bytes)) return true;
    if (this.#memoryUsed + bytes > this.#memory) return false;
    if (this.#memoryUsed + this.#pool.bytes + bytes > this.#memory) {
      noteGarbage(this.#pool.bytes);
      this.#pool.clear();
    }
    return true;
  }

  #grant(bytes: number, adopted: SharedArrayBuffer | undefined): SharedArrayBuffer {
    const buffer = adopted ?? this.#pool.take(bytes) ?? new SharedArrayBuffer(bytes);
    // Only now: the system may not have so much.
    this.#memoryUsed += bytes;
    return buffer;
  }

  #drop(segment: Segment, reusable: boolean): void {
    const buffer = segment.buffer!;
    segment.buffer = undefined;
    this.#memoryUsed -= segment.size;
    if (reusable && !segment.exposed && segment.outstanding === 0) this.#pool.put(buffer);
    else noteGarbage(segment.size);
    segment.exposed = false;
  }

  #forget(segment: Segment): void {
    this.#spillUsed -= segment.copy!.stored;
    segment.area.free(segment.copy!);
    segment.copy = undefined;
  }

  async #makeRoom(): Promise<void> {
    if (this.#making) return;
    this.#making = true;
    for (let head = this.#waiting[0]; head !== undefined; head = this.#waiting[0]) {
      try {
        if (head.owner.released) throw released(head.owner.label);
        if (!this.#fits(head.bytes, head.adopted)) {
          await this.#free(head);
          continue;
        }
        if (this.#waiting[0] === head) {
          head.resolve(this.#grant(head.bytes, head.adopted));
          // It becomes a segment now, which may move for the next in line.
          await undefined;
        }
      } catch (reason) {
        head.reject(RayflightError.from(reason));
      }
      if (this.#waiting[0] === head) this.#waiting.shift();
    }
    this.#making = false;
  }

  /** Frees some memory, or throws when there is no way. */
  async #free(head: Waiting): Promise<void> {
    if (head.bytes > this.#memory) throw this.#full(head);
    if (this.#borrowers?.recall()) return;
    const victim = this.#victim();
    if (victim !== undefined) {
      await this.#evict(victim);
      return;
    }
    if (this.#pinned > 0 && (await this.#borrowers?.ask())) return;
    // Somebody may have let go meanwhile without being asked.
    if (!this.#fits(head.bytes, head.adopted) && this.#victim() === undefined) throw this.#full(head);
  }

  /** The next segment to move: one that is on disk already costs nothing. */
  #victim(): Segment | undefined {
    let oldest: Segment | undefined;
    for (const segment of this.#evictable) {
      if (segment.copy !== undefined) return segment;
      if (this.#spillUsed + segment.used <= this.#spillLimit) oldest ??= segment;
    }
    return oldest;
  }

  async #evict(segment: Segment): Promise<void> {
    if (segment.copy === undefined) {
      this.#spillUsed += segment.used;
      let taken = 0;
      try {
        const copy = await segment.area.write(new Uint8Array(segment.buffer!, 0, segment.used));
        if (segment.released) segment.area.free(copy);
        else {
          segment.copy = copy;
          taken = copy.stored;
        }
      } catch (reason) {
        if (!segment.released) throw reason;
      } finally {
        this.#spillUsed += taken - segment.used;
      }
    }
    // Somebody may have pinned it meanwhile: then only the copy on disk is gained.
    if (segment.released || !isEvictable(segment)) return;
    this.#evictable.delete(segment);
    this.#drop(segment, true);
    segment.moved();
  }

  async #restore(segment: Segment, owner: Owner): Promise<SharedArrayBuffer> {
    const buffer = await this.take(segment.size, owner);
    try {
      if (segment.released) throw released(owner.label);
      await segment.area.read(segment.copy!, new Uint8Array(buffer, 0, segment.used));
      if (segment.released) throw released(owner.label);
    } catch (reason) {
      this.giveBack(buffer);
      throw reason;
    }
    segment.buffer = buffer;
    this.touch(segment);
    segment.moved();
    return buffer;
  }

  #full({ bytes, owner: { label } }: Waiting): RayflightError {
    const used = `${formatSize(this.#memoryUsed)} of ${formatSize(this.#memory)} memory`;
    const spilled = `${formatSize(this.#spillUsed)} of ${formatSize(this.#spillLimit)} spill space`;
    const held = this.#pinned > 0 ? `; open readers hold ${formatSize(this.#pinned)}` : "";
    return new RayflightError(
      "OBJECT_STORE_FULL",
      `The object store is full: ${label} needs ${formatSize(bytes)} more, and ${used} and ${spilled} are taken${held}.`,
      {
        hint: "Raise objectStoreMemory or spillLimit where the node is started, or remove datasets that are no longer needed.",
      },
    );
  }
}

/** The error of whoever still needs bytes that were given back. */
export function released(label: string): RayflightError {
  return new RayflightError("OBJECT_FREED", `${label} was released while it was needed.`, {
    hint: "Open it again, or write it again.",
  });
}
