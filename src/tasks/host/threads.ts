import type { UpMessage } from "../protocol.js";
import { notedTenant } from "../rings/tenant.js";
import type { ActorId, Instruction, WorkerId } from "../scheduler/events.js";
import { formatWorkerId } from "./changed-rows.js";
import { watchEviction } from "./evictions.js";
import type { Inbox } from "./inbox.js";
import type { HostParts } from "./parts.js";
import * as reasons from "./reasons.js";
import { orphanRow } from "./records.js";
import type { Supervisor, WorkerLink } from "./supervisor.js";

type Used = "actors" | "boards" | "current" | "lending" | "lines" | "log" | "objects" | "outcomes" | "outgoing";

/** Who starts threads, and all that forget one which has ended. */
export interface ThreadsParts extends Pick<HostParts, Used | "requests" | "returns" | "turn" | "workers"> {
  readonly supervisor: Supervisor;
  readonly inbox: Inbox;
  /** Takes what a thread sends. */
  receive(worker: WorkerId, batch: readonly UpMessage[]): void;
}

/** The threads of workers come and go: introduces each to all others, and when it has ended, settles what it leaves. */
export class Threads {
  readonly #parts: ThreadsParts;

  constructor(parts: ThreadsParts) {
    this.#parts = parts;
  }

  /** Starts a thread: for one actor; for tasks, with `claims` also from boards; or for shared actors. */
  start(worker: WorkerId, actor: ActorId | undefined, claims: boolean): void {
    const { supervisor, turn, actors, boards, lines, outgoing, workers } = this.#parts;
    const words = boards.addClient(worker);
    const link = supervisor.start(worker, claims, words, {
      receive: (batch) => this.#parts.receive(worker, batch),
      died: (reason) => {
        if (turn.isOver) return;
        const guilty = actor ?? notedTenant(words);
        if (this.#strikeOff(worker, this.#accuse(reason, guilty, actor)) === undefined) {
          // It was told to end, and may have sent something since.
          this.#letGo(worker);
        } else {
          const { began } = lines.close(worker);
          turn.note({ type: "died", worker, began, guilty, paused: actors.pause(guilty) });
        }
        turn.work();
      },
    });
    workers.add(worker, actor, link);
    outgoing.connect(worker, (batch) => {
      link.send(batch);
      boards.posted(worker);
    });
    if (claims) boards.addClaimer(worker);
    if (actor !== undefined) actors.placedOn(actor, worker);
  }

  /** Ends a thread. When that is `onPurpose`, who else was on it is not to blame. */
  stop(worker: WorkerId, reason: string, onPurpose = false): void {
    this.#strikeOff(worker, reason, onPurpose)?.stop();
  }

  /** A shared actor is to leave its thread; one that does not, takes the thread with it. */
  evict({ worker, actor, again }: Instruction & { type: "evict" }): void {
    const { actors, boards, outgoing, workers } = this.#parts;
    outgoing.push(worker, { type: "evict", actor, again });
    const words = boards.wordsOf(worker);
    if (words === undefined) return;
    const record = actors.get(actor)!;
    const life = record.row.restarts;
    watchEviction(words, actor, () => {
      // It may have left, and be back on the same thread.
      if (record.row.restarts === life) workers.terminate(worker, reasons.stuckTenant(record));
    });
  }

  /** The reason why a thread ended, with the name of the shared actor that is to blame. */
  #accuse(reason: string, guilty: ActorId | undefined, actor: ActorId | undefined): string {
    const record = guilty === actor || guilty === undefined ? undefined : this.#parts.actors.get(guilty);
    return record === undefined ? reason : `${reason} in the shared actor ${record.message.className}`;
  }

  /** Strikes a worker off, with all references that it had; undefined when it was before. */
  #strikeOff(worker: WorkerId, reason: string, onPurpose = false): WorkerLink | undefined {
    const { boards, current, log, outgoing, workers } = this.#parts;
    const link = workers.remove(worker, reason);
    if (link === undefined) return undefined;
    outgoing.disconnect(worker);
    const name = formatWorkerId(worker);
    for (const row of boards.rows(worker)) log.add({ row: orphanRow(row, reason) });
    for (const row of boards.rows()) if (row.worker === name && row.state === "running") log.cutOff(row, reason);
    boards.remove(worker, reason, onPurpose);
    log.ended(worker);
    current.forget(worker);
    this.#letGo(worker);
    return link;
  }

  /** Lets go of all that a thread which was struck off has sent for. */
  #letGo(worker: WorkerId): void {
    const { turn, actors, inbox, lending, lines, objects, outcomes, requests, returns, workers } = this.#parts;
    requests.forgetAll(worker);
    objects.releaseAll(worker);
    lending.forget(worker);
    outcomes.ownerEnded(worker, workers.deathOf(worker));
    // Nobody takes what these make.
    for (const task of returns.streamsFor(worker)) {
      turn.note({ type: "cancel", task, force: false, recursive: true });
    }
    actors.ownerEnded(worker);
    lines.callerEnded(worker);
    inbox.forget(worker);
  }
}
