import type { Arena } from "./arena.js";
import { Budget } from "./budget.js";
import { type ObjectListener, ObjectNews } from "./object-news.js";
import { StoreArena } from "./store-arena.js";

export interface ObjectStoreOptions {
  /** How many bytes may lie in memory. */
  memory: number;
  /** Where arenas are spilled to; the files have no name, so nothing is ever left behind. */
  spillDirectory: string;
  /** How many bytes may lie in spill files. */
  spillLimit: number;
}

export interface StoreUsage {
  /** The limit of memory, and what of it is taken; `pinned` is what readers hold. */
  memory: number;
  memoryUsed: number;
  pinned: number;
  /** The limit of spill files, and what of it is taken. */
  spillLimit: number;
  spillUsed: number;
  arenas: number;
}

/** Owns the bytes of datasets and objects, in shared memory and on disk, within two limits. Node thread only. */
export class ObjectStore {
  readonly #budget: Budget;
  readonly #spillDirectory: string;
  readonly #news = new ObjectNews();
  readonly #arenas = new Map<StoreArena, number>();
  #nextId = 1;

  constructor(options: ObjectStoreOptions) {
    this.#budget = new Budget(options.memory, options.spillLimit);
    this.#spillDirectory = options.spillDirectory;
  }

  /** Makes an empty arena; `label` names its owner in errors and to observers. */
  createArena(label: string): Arena {
    const arena = new StoreArena(`object-${this.#nextId++}`, label, {
      budget: this.#budget,
      spillDirectory: this.#spillDirectory,
      changed: (changed) => this.#update(changed),
    });
    this.#arenas.set(arena, Date.now());
    return arena;
  }

  /**
   * Counts a buffer that another thread made, such as a task's result; it is never spilled. Returns how to give it back; a
   * Promise when others must be spilled first. Fails with OBJECT_STORE_FULL or OUT_OF_DISK when that is not enough.
   */
  adopt(buffer: SharedArrayBuffer, label: string): (() => void) | Promise<() => void> {
    const adopted = (): (() => void) => {
      const id = `object-${this.#nextId++}`;
      this.#news.put({ id, label, state: "memory", bytes: buffer.byteLength, createdAt: Date.now() });
      let held = true;
      return () => {
        if (held) this.#budget.giveUp(buffer);
        if (held) this.#news.delete(id);
        held = false;
      };
    };
    const granted = this.#budget.adopt(buffer, { label, released: false });
    return granted instanceof SharedArrayBuffer ? adopted() : granted.then(adopted);
  }

  /** Tells `listener` of every sealed arena and adopted buffer from now on: its newest state, and when it is gone. */
  observe(listener: ObjectListener): void {
    this.#news.observe(listener);
  }

  usage(): StoreUsage {
    return { ...this.#budget.usage(), arenas: this.#arenas.size };
  }

  /** Releases every arena and closes the spill files. */
  close(): void {
    this.#budget.close();
    for (const arena of [...this.#arenas.keys()]) arena.release();
  }

  #update(arena: StoreArena): void {
    const { id, label, bytes } = arena;
    const createdAt = this.#arenas.get(arena);
    if (arena.released) this.#arenas.delete(arena);
    if (!arena.sealed || createdAt === undefined) return;
    if (arena.released) this.#news.delete(id);
    else this.#news.put({ id, label, bytes, createdAt, state: arena.resident ? "memory" : "spilled" });
  }
}
