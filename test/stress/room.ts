/** How much of a room to run. */
export interface RoomOptions {
  /** The same seed makes the same work. */
  readonly seed: number;
  /** How much of the room's full size, up to 1. */
  readonly share: number;
}

/** What a room came to. */
export interface Outcome {
  /** What was counted, in words for a table. */
  readonly figures: string;
  /** What of its bound was not kept; empty when all was. */
  readonly broken: readonly string[];
}

/** Much work and many deaths at once, and what must hold after it. */
export interface Room {
  readonly name: string;
  readonly bound: string;
  run(options: RoomOptions): Promise<Outcome>;
}
