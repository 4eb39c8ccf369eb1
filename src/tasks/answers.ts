import type { IncomingCall } from "./caller-lines.js";
import { faultOf } from "./fault.js";
import { type CallFacts, JournalWriter } from "./journal.js";
import type { Outbox } from "./outbox.js";
import type { Outcome, WorkerMessage } from "./protocol.js";
import type { Bell } from "./rings/bell.js";
import { packFailure } from "./rings/failures.js";
import { resultKind, resultWords, writeResult } from "./rings/records.js";
import type { RingWriter } from "./rings/ring.js";
import type { ClientId, TaskId } from "./scheduler/events.js";

/** A thread whose calls this one runs. */
export interface Asker {
  readonly results: RingWriter;
  readonly bell: Bell;
  /** The thread has ended: nobody reads results. */
  readonly hasEnded: boolean;
  /** Makes visible what was written for it; returns whether it must be rung. */
  show(): boolean;
}

/** What this thread answers to calls that came by rings and boards: results for who made them, and rows for the node. */
export class Answers {
  readonly #outbox: Outbox<WorkerMessage>;
  readonly #unsaid = new Set<Asker>();
  #saysAgain = false;
  readonly journal: JournalWriter;

  constructor(outbox: Outbox<WorkerMessage>) {
    this.#outbox = outbox;
    this.journal = new JournalWriter((chunk) => {
      outbox.push({ type: "journal", chunk });
      outbox.flush();
    });
  }

  /** Answers a call of an actor that started then. */
  answer(call: IncomingCall, outcome: Outcome, started: number): void {
    const line = call.line!;
    const facts = call.facts!;
    this.note(facts, line.caller, outcome, started);
    // Should this thread end now, the record below is read all the same.
    if (!this.write(line, call.task, call.name, facts.number, -1, outcome)) this.#outbox.flush();
    line.results.complete();
  }

  /** Notes how a call ended that started then. */
  note(call: CallFacts, caller: ClientId, outcome: Outcome, started: number): void {
    if ("failure" in outcome) {
      this.journal.skip();
      this.#outbox.push(faultOf(call, caller, outcome.failure, started));
    } else this.journal.add(call, caller);
  }

  /** Writes the outcome of a call into a ring, and returns true; or gives it to the node, where it does not fit. */
  write(asker: Asker, task: TaskId, name: string, number: number, slot: number, outcome: Outcome): boolean {
    const failed = "failure" in outcome;
    const value = failed ? packFailure(outcome.failure) : outcome.value;
    const length = resultWords(value);
    if (length > asker.results.limit) {
      this.#outbox.push({ type: "deposit", task, name, outcome });
      this.tell(asker, resultKind.atNode, number, slot);
      return false;
    }
    if (asker.hasEnded) return true;
    const { words, at } = asker.results.reserve(length);
    writeResult(words, at, failed ? resultKind.failure : resultKind.value, number, slot, value);
    this.#unsaid.add(asker);
    return true;
  }

  /** Writes a record that has no value. */
  tell(asker: Asker, kind: number, number: number, slot: number): void {
    if (asker.hasEnded) return;
    const { words, at } = asker.results.reserve(resultWords(undefined));
    writeResult(words, at, kind, number, slot, undefined);
    this.#unsaid.add(asker);
  }

  /** Shows what was written, after the messages that it relies on. */
  say(): void {
    if (this.#unsaid.size === 0) return;
    this.#outbox.flush();
    for (const asker of this.#unsaid) {
      if (asker.show()) asker.bell.ring();
      if (!asker.results.waits || asker.hasEnded) this.#unsaid.delete(asker);
    }
    if (this.#unsaid.size === 0 || this.#saysAgain) return;
    // A ring that is full is tried again soon, as long as there is somebody who reads it.
    this.#saysAgain = true;
    setImmediate(() => {
      this.#saysAgain = false;
      this.say();
    });
  }
}
