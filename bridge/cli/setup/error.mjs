/** A reason why the set-up cannot go on. The hint says what to do about it. */
export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

/** The set-up was interrupted by a signal: nothing is wrong, nothing more is to be said. */
export class Interrupted extends Error {}
