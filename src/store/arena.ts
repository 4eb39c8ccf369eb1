/** Where bytes of an arena lie: a range inside its segment number `segment`. Stays valid while the arena is spilled and restored. */
export interface Region {
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/**
 * The bytes of one owner (a staged part, a stream, a task's result), released together. They lie in SharedArrayBuffer
 * segments that count in the store's budget, or in a spill file. Node thread only.
 */
export interface Arena {
  readonly id: string;
  readonly label: string;
  /** How many bytes were allocated. */
  readonly bytes: number;
  /**
   * Returns a fresh region whose end is 64-byte aligned in its segment, so that an Arrow body at its end is aligned. A
   * Promise when others must be spilled first. Fails with OBJECT_STORE_FULL or OUT_OF_DISK when that is not enough.
   */
  allocate(bytes: number): Uint8Array | Promise<Uint8Array>;
  /** Where a view of an allocated region lies; undefined when it is not one of this arena. */
  locate(view: Uint8Array): Region | undefined;
  /** Says that an allocated region is written and may be spilled once its segment is full. */
  complete(view: Uint8Array): void;
  /** Says that nothing more is allocated or written: all of it may be spilled. */
  seal(): void;
  /** The bytes of a region: a view when they are in memory, else a copy read from the spill file, not counted in the budget. */
  read(region: Region): Uint8Array | Promise<Uint8Array>;
  /**
   * Holds what was allocated until now in memory, restoring what was spilled, until the pin is released. Fails with
   * OBJECT_STORE_FULL when not all of it fits.
   */
  pin(): Promise<Pin>;
  /**
   * Gives all bytes back. `reusable` promises that no view of them is held anywhere, so that the segments may serve
   * another arena; without it they are left to the garbage collector. May be called twice.
   */
  release(options?: { reusable?: boolean }): void;
}

/** Bytes held in memory, so that they can be posted to another thread. */
export interface Pin {
  /** The arena's segments; `Region.segment` is the index. */
  readonly segments: readonly SharedArrayBuffer[];
  /** May be called twice. */
  release(): void;
}
