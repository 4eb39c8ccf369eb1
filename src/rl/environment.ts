import type { Space } from "./spaces.js";

/**
 * `count` environments that step together, in Gymnasium's terms: an episode starts with `reset` and goes on by `step`
 * until a copy is `terminated` (its task ended) or `truncated` (it was cut off).
 *
 * Every array handed out belongs to the environment and is overwritten by its next `reset` or `step`: copy what must
 * last. Rows of copies lie one after the other. An environment belongs to the thread that made it.
 */
export interface VectorEnvironment {
  readonly count: number;
  /** The space of one copy's observation. */
  readonly observationSpace: Space;
  /** The space of one copy's action. */
  readonly actionSpace: Space;
  /** Starts a new episode in every copy and returns the first observations. */
  reset(): Float64Array;
  /** Advances every copy by one step; throws FAILED_PRECONDITION when the episode is over. */
  step(actions: Float64Array): Step;
}

/** What one step gave, an entry (or a row) for each copy. */
export interface Step {
  readonly observations: Float64Array;
  readonly rewards: Float64Array;
  readonly terminated: Uint8Array;
  readonly truncated: Uint8Array;
}
