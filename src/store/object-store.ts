import type { Arena } from "./arena.js";
import { type Borrowers, Budget } from "./budget.js";
import { type ObjectListener, ObjectNews } from "./object-news.js";
import { SpillArea, type SpillOptions, type SpillStorage } from "./spill-area.js";
import { type SpillCodecName, spillCodecOf } from "./spill-codec.js";
import { StoreArena } from "./store-arena.js";
import { AdoptedObject, type StoredObject } from "./stored-object.js";

export interface ObjectStoreOptions {
  /** How many bytes may lie in memory. */
  memory: number;
  /** Where bytes are spilled to; the files have no name, so nothing is ever left behind. */
  spillDirectory: string;
  /** How many bytes may lie in spill files. */
  spillLimit: number;
  /** How they are compressed there. "none" by default. */
  spillCodec?: SpillCodecName;
  /** Makes what is spilled to in place of a file: simulations have disks of their own. */
  openFile?: () => SpillStorage;
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
  /** Values of tasks that lie in shared memory of their own. */
  objects: number;
}

/** Owns the bytes of datasets and objects, in shared memory and on disk, within two limits. Node thread only. */
export class ObjectStore {
  readonly #budget: Budget;
  readonly #spill: SpillOptions;
  /** All values of tasks share a spill file: there may be many small ones. */
  readonly #area: SpillArea;
  readonly #news = new ObjectNews();
  readonly #arenas = new Map<StoreArena, number>();
  #objects = 0;
  #nextId = 1;

  /** Throws FAILED_PRECONDITION for a `spillCodec` that this version of Node lacks. */
  constructor(options: ObjectStoreOptions) {
    this.#budget = new Budget(options.memory, options.spillLimit);
    this.#spill = {
      directory: options.spillDirectory,
      codec: spillCodecOf(options.spillCodec ?? "none"),
      openFile: options.openFile,
    };
    this.#area = new SpillArea(this.#spill);
  }

  /** Makes an empty arena; `label` names its owner in errors and to observers. */
  createArena(label: string): Arena {
    const arena = new StoreArena(`object-${this.#nextId++}`, label, {
      budget: this.#budget,
      spill: this.#spill,
      changed: (changed) => this.#update(changed),
    });
    this.#arenas.set(arena, Date.now());
    return arena;
  }

  /**
   * Takes over memory that another thread wrote a value to, and that nobody will write to again. A Promise when others must
   * be spilled first. Fails with OBJECT_STORE_FULL or OUT_OF_DISK when that is not enough.
   */
  adopt(buffer: SharedArrayBuffer, label: string): StoredObject | Promise<StoredObject> {
    const adopted = (): StoredObject => {
      this.#objects += 1;
      const object = new AdoptedObject(`object-${this.#nextId++}`, label, buffer, {
        budget: this.#budget,
        area: this.#area,
        changed: (changed) => this.#updateObject(changed),
      });
      this.#updateObject(object);
      return object;
    };
    const granted = this.#budget.adopt(buffer, { label, released: false });
    return granted instanceof SharedArrayBuffer ? adopted() : granted.then(adopted);
  }

  /** A buffer of exactly `bytes` whose pages have been touched, if one is left over. It counts until `giveUp`. */
  takeKept(bytes: number): SharedArrayBuffer | undefined {
    return this.#budget.takeKept(bytes);
  }

  /** Stops counting `takeKept` memory. */
  giveUp(bytes: number): void {
    this.#budget.giveUp(bytes);
  }

  /** Asks `borrowers` from now on before anybody is refused. */
  lendTo(borrowers: Borrowers): void {
    this.#budget.lendTo(borrowers);
  }

  /** Tells `listener` of every sealed arena and adopted object from now on: its newest state, and when it is gone. */
  observe(listener: ObjectListener): void {
    this.#news.observe(listener);
  }

  usage(): StoreUsage {
    return { ...this.#budget.usage(), arenas: this.#arenas.size, objects: this.#objects };
  }

  /** Releases every arena and closes the spill files. */
  close(): void {
    this.#budget.close();
    for (const arena of [...this.#arenas.keys()]) arena.release();
    this.#area.close();
  }

  #update(arena: StoreArena): void {
    const { id, label, bytes } = arena;
    const createdAt = this.#arenas.get(arena);
    if (arena.released) this.#arenas.delete(arena);
    if (!arena.sealed || createdAt === undefined) return;
    if (arena.released) this.#news.delete(id);
    else this.#news.put({ id, label, bytes, createdAt, state: arena.resident ? "memory" : "spilled" });
  }

  #updateObject(object: AdoptedObject): void {
    const { id, label, bytes, createdAt } = object;
    if (object.released) {
      this.#objects -= 1;
      this.#news.delete(id);
    } else this.#news.put({ id, label, bytes, createdAt, state: object.resident ? "memory" : "spilled" });
  }
}
