import type { SpillArea, SpillCopy } from "./spill-area.js";

/** A stretch of bytes that moves as one: in memory, on disk, or in both. */
export interface Segment {
  /** Bytes of memory that it takes while in memory. */
  readonly size: number;
  /** Bytes handed out, from the front. */
  used: number;
  buffer: SharedArrayBuffer | undefined;
  restoring: Promise<SharedArrayBuffer> | undefined;
  /** Where it lies on disk, once it was copied there. */
  copy: SpillCopy | undefined;
  /** Where it is copied to. */
  readonly area: SpillArea;
  /** Tells the owner that it left memory. */
  moved(): void;
  /** Regions handed out and not yet completed. */
  outstanding: number;
  /** No further region will be handed out; and what is outstanding is of no interest. */
  full: boolean;
  sealed: boolean;
  pins: number;
  /** Some view of it may be held somewhere: its memory must not serve anybody else. */
  exposed: boolean;
  released: boolean;
}

/** Whether its memory may be taken away once its bytes are on disk. */
export function isEvictable(segment: Segment): boolean {
  return (
    segment.buffer !== undefined &&
    segment.pins === 0 &&
    (segment.sealed || (segment.full && segment.outstanding === 0))
  );
}
