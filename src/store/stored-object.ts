import type { Budget } from "./budget.js";
import type { Segment } from "./segment.js";
import type { SpillArea } from "./spill-area.js";

/** The shared memory of one value, made by whoever packed it and counted by the store from then on. Node thread only. */
export interface StoredObject {
  readonly id: string;
  readonly bytes: number;
  /** Whether it is in memory: then `open` answers at once. */
  readonly resident: boolean;
  /**
   * Its memory, which stays until `close` was called as often. A Promise when it was spilled; that fails with
   * OBJECT_STORE_FULL, or with OBJECT_LOST when the disk does not give back what was written.
   */
  open(): SharedArrayBuffer | Promise<SharedArrayBuffer>;
  /** Whoever opened it has no view of it any more. */
  close(): void;
  /** Nobody needs it any more. Its memory counts until everybody closed it who had opened it, and is used again then. */
  release(): void;
}

export interface StoredObjectOwner {
  readonly budget: Budget;
  readonly area: SpillArea;
  changed(object: AdoptedObject): void;
}

/** The one implementation of StoredObject: a single segment. */
export class AdoptedObject implements StoredObject {
  readonly id: string;
  readonly label: string;
  readonly bytes: number;
  readonly createdAt = Date.now();
  readonly #owner: StoredObjectOwner;
  readonly #segment: Segment;
  released = false;

  /** Of memory that the budget has counted. */
  constructor(id: string, label: string, buffer: SharedArrayBuffer, owner: StoredObjectOwner) {
    this.id = id;
    this.label = label;
    this.bytes = buffer.byteLength;
    this.#owner = owner;
    this.#segment = {
      size: buffer.byteLength,
      used: buffer.byteLength,
      buffer,
      restoring: undefined,
      copy: undefined,
      area: owner.area,
      moved: () => {
        if (!this.released) owner.changed(this);
      },
      outstanding: 0,
      full: true,
      sealed: true,
      pins: 0,
      exposed: false,
      released: false,
    };
    owner.budget.touch(this.#segment);
  }

  get resident(): boolean {
    return this.#segment.buffer !== undefined;
  }

  open(): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    this.#owner.budget.pin(this.#segment);
    const buffer = this.#owner.budget.restore(this.#segment, this);
    if (buffer instanceof SharedArrayBuffer) return buffer;
    return buffer.catch((reason) => {
      this.close();
      throw reason;
    });
  }

  close(): void {
    this.#owner.budget.unpin(this.#segment);
    this.#sweep();
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    this.#owner.changed(this);
    this.#sweep();
  }

  #sweep(): void {
    if (this.released && this.#segment.pins === 0) this.#owner.budget.release(this.#segment, true);
  }
}
