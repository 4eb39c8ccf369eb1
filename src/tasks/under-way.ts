import type { CallFacts } from "./journal.js";
import type { ClientId } from "./scheduler/events.js";

/** A call that this thread has begun, and that goes on after what it called has returned. */
export interface UnderWay {
  readonly call: CallFacts;
  readonly caller: ClientId;
  /** Milliseconds since 1970. */
  readonly began: number;
}

/** Those of this thread. */
export const underWay = new Set<UnderWay>();
