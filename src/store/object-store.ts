import type { ControlStore } from "../control/index.js";
import type { Arena } from "./arena.js";

export interface ObjectStoreOptions {
  /** How many bytes may lie in memory. */
  memory: number;
  /** Where arenas are spilled to; the files have no name, so nothing is ever left behind. */
  spillDirectory: string;
  /** How many bytes may lie in spill files. */
  spillLimit: number;
  /** Where the rows of the `objects` table go. */
  control?: ControlStore;
}

export interface StoreUsage {
  /** The limit of memory, and what of it is taken; `pinned` is the part of `memoryUsed` that readers hold. */
  memory: number;
  memoryUsed: number;
  pinned: number;
  /** The limit of spill files, and what of it is taken. */
  spillLimit: number;
  spillUsed: number;
  arenas: number;
}

export declare class ObjectStore {
  constructor(options: ObjectStoreOptions);
  /** Makes an empty arena; `label` names its owner in errors and in the `objects` table. */
  createArena(label: string): Arena;
  usage(): StoreUsage;
  /** Releases every arena and closes the spill files. */
  close(): void;
}
