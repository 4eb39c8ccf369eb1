import type { ControlStore, ObjectRow } from "../control/index.js";
import type { Arena } from "./arena.js";
import { Budget } from "./budget.js";
import { StoreArena } from "./store-arena.js";

export interface ObjectStoreOptions {
  /** How many bytes may lie in memory. */
  memory: number;
  /** Where arenas are spilled to; the files have no name, so nothing is ever left behind. */
  spillDirectory: string;
  /** How many bytes may lie in spill files. */
  spillLimit: number;
  /** Where the rows of the `objects` table go: one for each sealed arena. */
  control?: ControlStore;
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
  readonly #control: ControlStore | undefined;
  readonly #arenas = new Map<StoreArena, number>();
  readonly #changed = new Set<StoreArena>();
  #nextId = 1;

  constructor(options: ObjectStoreOptions) {
    this.#budget = new Budget(options.memory, options.spillLimit);
    this.#spillDirectory = options.spillDirectory;
    this.#control = options.control;
  }

  /** Makes an empty arena; `label` names its owner in errors and in the `objects` table. */
  createArena(label: string): Arena {
    const arena = new StoreArena(`object-${this.#nextId++}`, label, {
      budget: this.#budget,
      spillDirectory: this.#spillDirectory,
      changed: (changed) => this.#update(changed),
    });
    this.#arenas.set(arena, Date.now());
    return arena;
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
    if (arena.released) this.#arenas.delete(arena);
    if (!arena.sealed || this.#control === undefined) return;
    if (this.#changed.size === 0) queueMicrotask(() => this.#writeRows());
    this.#changed.add(arena);
  }

  #writeRows(): void {
    const rows: ObjectRow[] = [];
    const gone: string[] = [];
    for (const arena of this.#changed) {
      const { id, label, bytes } = arena;
      const createdAt = this.#arenas.get(arena);
      if (createdAt === undefined) gone.push(id);
      else rows.push({ id, label, bytes, createdAt, state: arena.resident ? "memory" : "spilled" });
    }
    this.#changed.clear();
    // Bookkeeping for people: a control store that is down or closed must not fail the store.
    this.#control?.put("objects", rows).catch(() => {});
    this.#control?.delete("objects", gone).catch(() => {});
  }
}
