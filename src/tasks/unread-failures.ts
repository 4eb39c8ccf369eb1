import { type Failure, toError } from "./failure.js";

/** So many are printed whole; of those that follow, only how many there were by then, at each power of ten. */
const printed = 10;

/** Why a task failed whose reference is gone, and nobody ever asked for its result: printed, as it would be lost else. */
export class UnreadFailures {
  #count = 0;

  /** Says so on stderr, if it is the task's own failure: not that it was cancelled, freed, or its actor killed. */
  report(failure: Failure): void {
    if (failure.code !== "TASK_FAILED" && failure.code !== "WORKER_DIED") return;
    this.#count += 1;
    if (this.#count <= printed) {
      process.stderr.write(`A task failed, and no get() asked for its result: ${toError(failure).stack}\n`);
    } else if (Number.isInteger(Math.log10(this.#count))) {
      process.stderr.write(`${this.#count} tasks have failed whose results no get() asked for.\n`);
    }
  }
}
