import { createRing } from "../rings/ring.js";
import type { ActorId, ClientId, TaskId, WorkerId } from "../scheduler/events.js";
import type { BoardTable } from "./board-table.js";
import type { Outgoing } from "./outgoing.js";

/** Words of a ring between one caller and one actor, for calls or for results. */
const lineWords = 1 << 16;

/** What the node knows of one caller's calls to one actor. */
interface Line {
  /** Where the actor notes, by group, how far it has begun them, if it may be made anew. */
  readonly begun: Int32Array | undefined;
  /** Calls that the node sent and that have not ended, with their places in the caller's order. */
  readonly sent: Map<TaskId, { readonly sequence: number; readonly group: number }>;
  /** The next place that the node gives, to calls of callers that give none. */
  next: number;
}

/** What call is sent where. */
export interface Sending {
  readonly caller: ClientId;
  readonly actor: ActorId;
  readonly worker: WorkerId;
  readonly group: number;
  /** How many groups the actor has. */
  readonly groups: number;
}

/** What was under way when an actor left its thread, or that ended. */
export interface Interrupted {
  /** Calls that the node sent and the actor had begun. */
  readonly began: Set<TaskId>;
  /** How many calls that the node sent were open, begun or not. */
  open: number;
}

/**
 * The lines between callers and actors: introduces the two to each other, and knows of each call that went by the node
 * whether it had begun when the actor's thread ended.
 */
export class LineTable {
  readonly #outgoing: Outgoing;
  readonly #boards: BoardTable;
  readonly #lines = new Map<WorkerId, Map<ActorId, Map<ClientId, Line>>>();

  constructor(outgoing: Outgoing, boards: BoardTable) {
    this.#outgoing = outgoing;
    this.#boards = boards;
  }

  /** How many callers of how many actors, for tests and for people. */
  get size(): number {
    let size = 0;
    for (const actors of this.#lines.values()) for (const lines of actors.values()) size += lines.size;
    return size;
  }

  /**
   * Introduces a caller to an actor: gives the caller and the actor's thread the rings between them. Those to a thread of
   * shared actors serve all of them. `groups` is how many concurrency groups an actor has that may be made anew, 0 for others.
   */
  connect(
    caller: ClientId,
    actor: ActorId,
    worker: WorkerId,
    { shared, life, groups }: { shared: boolean; life: number; groups: number },
  ): void {
    const [words, actorWords] = [this.#boards.wordsOf(caller), this.#boards.wordsOf(worker)];
    if (words === undefined || actorWords === undefined) return;
    const { begun } = this.#open(caller, actor, worker, groups);
    const memory = begun?.buffer as SharedArrayBuffer | undefined;
    if (shared && !this.#boards.link(caller, worker)) {
      if (groups > 0) this.#outgoing.push(worker, { type: "caller", caller, actor, rings: undefined, begun: memory });
      this.#outgoing.push(caller, { type: "line", actor, worker, shared, life, rings: undefined, begun: memory });
      return;
    }
    const [calls, results] = [createRing(lineWords), createRing(lineWords)];
    this.#outgoing.push(worker, { type: "caller", caller, actor, rings: { calls, results, words }, begun: memory });
    const rings = { calls, results, words: actorWords };
    this.#outgoing.push(caller, { type: "line", actor, worker, shared, life, rings, begun: memory });
  }

  /** Notes a call that is sent now; returns its place. A caller that gives none is introduced with its first call. */
  send(task: TaskId, { caller, actor, worker, group, groups }: Sending, given: number | undefined): number {
    let line = this.#lines.get(worker)?.get(actor)?.get(caller);
    if (line === undefined) {
      line = this.#open(caller, actor, worker, groups);
      const begun = line.begun!.buffer as SharedArrayBuffer;
      this.#outgoing.push(worker, { type: "caller", caller, actor, rings: undefined, begun });
    }
    const sequence = given ?? line.next++;
    line.sent.set(task, { sequence, group });
    return sequence;
  }

  /** A call has its outcome. */
  ended(task: TaskId, { caller, actor, worker }: Pick<Sending, "caller" | "actor" | "worker">): void {
    this.#lines.get(worker)?.get(actor)?.get(caller)?.sent.delete(task);
  }

  /**
   * A thread has ended that called actors, and what it called by way of the node in an order of its own has, too. The actors'
   * threads do not wait for it to read what it is answered.
   */
  callerEnded(caller: ClientId): void {
    for (const [worker, actors] of this.#lines) {
      let isKnown = false;
      for (const lines of actors.values()) {
        const line = lines.get(caller);
        if (line === undefined) continue;
        isKnown = true;
        // Calls to which the node gives places go on without their caller.
        if (line.next === 0) lines.delete(caller);
      }
      if (isKnown) this.#outgoing.push(worker, { type: "callerEnded", caller });
    }
  }

  /** A thread has ended, or an actor has left it. */
  close(worker: WorkerId, only?: ActorId): Interrupted {
    const interrupted: Interrupted = { began: new Set(), open: 0 };
    const actors = this.#lines.get(worker);
    if (actors === undefined) return interrupted;
    for (const [actor, lines] of actors) {
      if (only !== undefined && only !== actor) continue;
      actors.delete(actor);
      for (const { begun, sent } of lines.values()) {
        interrupted.open += sent.size;
        for (const [task, { sequence, group }] of sent)
          if (begun !== undefined && sequence < begun[group]!) interrupted.began.add(task);
      }
    }
    if (actors.size === 0) this.#lines.delete(worker);
    return interrupted;
  }

  #open(caller: ClientId, actor: ActorId, worker: WorkerId, groups: number): Line {
    const begun = groups > 0 ? new Int32Array(new SharedArrayBuffer(4 * groups)) : undefined;
    const line: Line = { begun, sent: new Map(), next: 0 };
    const actors = this.#lines.get(worker) ?? new Map<ActorId, Map<ClientId, Line>>();
    const lines = actors.get(actor) ?? new Map<ClientId, Line>();
    this.#lines.set(worker, actors.set(actor, lines.set(caller, line)));
    return line;
  }
}
