import type { CallerLine, IncomingCall } from "./caller-lines.js";
import { faultOf } from "./fault.js";
import { JournalWriter } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { Outcome, WorkerMessage } from "./protocol.js";
import { packFailure } from "./rings/failures.js";
import { resultKind, resultWords, writeResult } from "./rings/records.js";
import { fitsWords } from "./rings/words.js";

/** What the actors of this thread answer to the calls that came by rings. */
export class Answers {
  readonly #outbox: Outbox<WorkerMessage>;
  readonly #unsaid = new Set<CallerLine>();
  readonly #journal: JournalWriter;

  constructor(outbox: Outbox<WorkerMessage>) {
    this.#outbox = outbox;
    this.#journal = new JournalWriter((chunk) => {
      outbox.push({ type: "journal", chunk });
      outbox.flush();
    });
  }

  /** Writes the outcome of a call that started then. */
  answer(call: IncomingCall, outcome: Outcome, started: number): void {
    const line = call.line!;
    const { number } = call.facts!;
    const failed = "failure" in outcome;
    const { name } = call;
    if (failed) {
      this.#journal.skip();
      this.#outbox.push(faultOf(call.facts!, line.caller, outcome.failure, started));
    } else this.#journal.add(call.facts!, line.caller);
    const value = failed ? packFailure(outcome.failure) : outcome.value;
    const length = fitsWords(value) ? resultWords(value) : Number.POSITIVE_INFINITY;
    if (length > line.results.limit) {
      this.#outbox.push({ type: "deposit", task: call.task, name, outcome });
      // Should this thread end now, the record below is read all the same.
      this.#outbox.flush();
      if (line.hasEnded) return;
      const { words, at } = line.results.reserve(resultWords(undefined));
      writeResult(words, at, resultKind.atNode, number, -1, undefined);
    } else {
      if (line.hasEnded) return;
      const { words, at } = line.results.reserve(length);
      writeResult(words, at, failed ? resultKind.failure : resultKind.value, number, -1, value);
    }
    line.results.complete();
    this.#unsaid.add(line);
  }

  /** The calls answered since the last time began at `began` and took `each` milliseconds, one after the other. */
  ended(began: number, each: number): void {
    this.#journal.ended(began, each);
  }

  /** Shows callers their results, after the messages that these rely on. */
  say(): void {
    if (this.#unsaid.size === 0) return;
    this.#outbox.flush();
    for (const line of this.#unsaid) {
      const isAwaited = line.calls.release();
      if (line.results.publish() || isAwaited) line.bell.ring();
      if (!line.results.waits || line.hasEnded) this.#unsaid.delete(line);
    }
    // A ring that is full is tried again soon, as long as there is somebody who reads it.
    if (this.#unsaid.size > 0) setImmediate(() => this.say());
  }
}
