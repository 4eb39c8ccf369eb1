import { RayflightError } from "../error.js";
import type { Arena, Pin, Region } from "./arena.js";
import { type Budget, released } from "./budget.js";
import type { Segment } from "./segment.js";
import { large, largest, roundUp, wholePages } from "./size.js";
import { SpillArea, type SpillOptions } from "./spill-area.js";

/** Every region ends at a multiple of this in its segment. */
const alignment = 64;

export interface ArenaOwner {
  readonly budget: Budget;
  readonly spill: SpillOptions;
  /** Called when the arena was sealed or released, and when bytes of it moved between memory and disk. */
  changed(arena: StoreArena): void;
}

/** The one implementation of Arena. FORMAT.md has the layout. */
export class StoreArena implements Arena {
  readonly id: string;
  readonly label: string;
  readonly #owner: ArenaOwner;
  readonly #segments: Segment[] = [];
  readonly #indexes = new WeakMap<SharedArrayBuffer, number>();
  readonly #area: SpillArea;
  /** The compressed segment that was read last: mostly, what is read next is its next region. */
  #unpacked: { readonly segment: Segment; readonly bytes: Promise<Uint8Array> } | undefined;
  #bytes = 0;
  #sealed = false;
  #released = false;

  constructor(id: string, label: string, owner: ArenaOwner) {
    this.id = id;
    this.label = label;
    this.#owner = owner;
    this.#area = new SpillArea(owner.spill);
  }

  get bytes(): number {
    return this.#bytes;
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  /** Whether all of it is in memory. */
  get resident(): boolean {
    return this.#segments.every(({ buffer }) => buffer !== undefined);
  }

  get released(): boolean {
    return this.#released;
  }

  allocate(bytes: number): Uint8Array | Promise<Uint8Array> {
    if (this.#sealed || this.#released) throw released(this.label);
    if (!(bytes >= 0 && bytes <= largest)) {
      throw new RayflightError("INVALID_ARGUMENT", `${this.label} asks for ${bytes} bytes at once.`, {
        hint: "Send smaller batches.",
      });
    }
    const room = roundUp(Math.max(bytes, 1), alignment);
    const last = this.#segments.at(-1);
    if (room < large && last !== undefined && !last.full && last.size - last.used >= room && last.buffer) {
      return this.#carve(last, last.buffer, room, bytes);
    }
    const size = this.#nextSize(room);
    const buffer = this.#owner.budget.take(size, this);
    if (buffer instanceof SharedArrayBuffer) return this.#begin(buffer, room, bytes);
    return buffer.then((granted) => this.#begin(granted, room, bytes));
  }

  locate(view: Uint8Array): Region | undefined {
    if (!(view.buffer instanceof SharedArrayBuffer)) return undefined;
    const segment = this.#indexes.get(view.buffer);
    return segment === undefined ? undefined : { segment, offset: view.byteOffset, length: view.byteLength };
  }

  complete(view: Uint8Array): void {
    const region = this.locate(view);
    if (region === undefined) return;
    const segment = this.#segments[region.segment]!;
    if (segment.outstanding > 0) segment.outstanding -= 1;
    if (segment.outstanding === 0) this.#owner.budget.touch(segment);
  }

  seal(): void {
    if (this.#released) throw released(this.label);
    if (this.#sealed) return;
    this.#sealed = true;
    for (const segment of this.#segments) {
      segment.full = true;
      segment.sealed = true;
      this.#owner.budget.touch(segment);
    }
    this.#owner.changed(this);
  }

  read({ segment: index, offset, length }: Region): Uint8Array | Promise<Uint8Array> {
    const segment = this.#segment(index);
    if (segment.buffer === undefined) return this.#readSpilled(segment, offset, length);
    segment.exposed = true;
    this.#owner.budget.touch(segment);
    return new Uint8Array(segment.buffer, offset, length);
  }

  async pin(): Promise<Pin> {
    if (this.#released) throw released(this.label);
    const { budget } = this.#owner;
    const segments = [...this.#segments];
    for (const segment of segments) {
      segment.exposed = true;
      budget.pin(segment);
    }
    let held = true;
    const release = () => {
      if (held) for (const segment of segments) budget.unpin(segment);
      held = false;
    };
    try {
      const buffers: SharedArrayBuffer[] = [];
      for (const segment of segments) buffers.push(await this.#inMemory(segment));
      return { segments: buffers, release };
    } catch (reason) {
      release();
      throw reason;
    }
  }

  release(options: { reusable?: boolean } = {}): void {
    if (this.#released) return;
    this.#released = true;
    this.#unpacked = undefined;
    for (const segment of this.#segments) this.#owner.budget.release(segment, options.reusable ?? false);
    this.#area.close();
    this.#owner.changed(this);
  }

  #nextSize(room: number): number {
    if (room >= large) return wholePages(room);
    const taken = this.#segments.reduce((sum, { size }) => sum + (size < large ? size : 0), 0);
    return wholePages(Math.max(room, Math.min(taken, large)));
  }

  #begin(buffer: SharedArrayBuffer, room: number, bytes: number): Uint8Array {
    if (this.#released || this.#sealed) {
      this.#owner.budget.giveBack(buffer);
      throw released(this.label);
    }
    const previous = this.#segments.at(-1);
    if (previous !== undefined && !previous.full) {
      previous.full = true;
      this.#owner.budget.touch(previous);
    }
    const segment: Segment = {
      size: buffer.byteLength,
      used: 0,
      buffer,
      restoring: undefined,
      copy: undefined,
      area: this.#area,
      moved: () => this.#owner.changed(this),
      outstanding: 0,
      full: room >= large,
      sealed: false,
      pins: 0,
      exposed: false,
      released: false,
    };
    this.#indexes.set(buffer, this.#segments.push(segment) - 1);
    return this.#carve(segment, buffer, room, bytes);
  }

  #carve(segment: Segment, buffer: SharedArrayBuffer, room: number, bytes: number): Uint8Array {
    segment.used += room;
    segment.outstanding += 1;
    this.#bytes += bytes;
    return new Uint8Array(buffer, segment.used - bytes, bytes);
  }

  async #readSpilled(segment: Segment, offset: number, length: number): Promise<Uint8Array> {
    const copy = segment.copy!;
    if (copy.packed) return (await this.#unpack(segment, offset + length)).slice(offset, offset + length);
    const bytes = new Uint8Array(length);
    await this.#area.readPart(copy, offset, bytes);
    return bytes;
  }

  /** All bytes of a segment that is compressed on disk, for a region that ends at `end`. */
  async #unpack(segment: Segment, end: number): Promise<Uint8Array> {
    if (this.#unpacked?.segment !== segment) {
      const whole = new Uint8Array(segment.used);
      const bytes = this.#area.read(segment.copy!, whole).then(() => whole);
      this.#unpacked = { segment, bytes };
    }
    const unpacked = this.#unpacked;
    let isOver = true;
    try {
      const bytes = await unpacked.bytes;
      // Whoever reads front to back leaves nothing behind.
      isOver = end === segment.used;
      return bytes;
    } finally {
      if (isOver && this.#unpacked === unpacked) this.#unpacked = undefined;
    }
  }

  async #inMemory(segment: Segment): Promise<SharedArrayBuffer> {
    const buffer = await this.#owner.budget.restore(segment, this);
    this.#indexes.set(buffer, this.#segments.indexOf(segment));
    return buffer;
  }

  #segment(index: number): Segment {
    const segment = this.#segments[index];
    if (this.#released || segment === undefined) throw released(this.label);
    return segment;
  }
}
