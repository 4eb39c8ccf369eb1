import type { RayflightError } from "../error.js";

/** Something that runs and can be told that nobody wants its outcome. */
export class Cancellable {
  /** Why it was cancelled: what its waiting throws from then on. */
  cancelled: RayflightError | undefined = undefined;
  protected controller: AbortController | undefined = undefined;

  /** Aborts when it is cancelled. Made when somebody asks for it. */
  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.cancelled !== undefined) this.controller.abort(this.cancelled);
    return this.controller.signal;
  }

  /** Says so to its code: by its signal, and where it waits for an object. */
  abort(reason: RayflightError): void {
    this.cancelled = reason;
    this.controller?.abort(reason);
  }
}
