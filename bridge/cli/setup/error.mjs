/**
 * A reason why the set-up cannot go on. The hint says what to do about it; `exited` is true where a program failed by
 * its own decision, not by a signal.
 */
export class SetupError extends Error {
  constructor(message, hint, { exited = false } = {}) {
    super(message);
    this.hint = hint;
    this.exited = exited;
  }
}

/** The set-up was interrupted by a signal: nothing is wrong, nothing more is to be said. */
export class Interrupted extends Error {}
