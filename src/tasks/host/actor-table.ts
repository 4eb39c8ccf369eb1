import type { Failure } from "../failure.js";
import type { CallPlace, ClientMessage } from "../protocol.js";
import type { Answers, Question } from "../questions.js";
import type { ActorId, ClientId, Instruction, TaskId, WorkerId } from "../scheduler/events.js";
import { ActorNames } from "./actor-names.js";
import { examineArguments, failureOf } from "./arguments.js";
import { type ChangedRows, formatWorkerId } from "./changed-rows.js";
import type { Turn } from "./decisions.js";
import type { LineTable } from "./line-table.js";
import type { ObjectTable } from "./object-table.js";
import type { Outgoing } from "./outgoing.js";
import { Pauses } from "./pauses.js";
import * as reasons from "./reasons.js";
import { type ActorRecord, actorRow, pinsOf, type TaskRecord } from "./records.js";
import type { TaskTable } from "./task-table.js";
import type { WorkerTable } from "./worker-table.js";

/** What actors are about. */
export interface ActorTableParts {
  /** Handles are references to objects, and a constructor's arguments are objects, too. */
  readonly objects: ObjectTable;
  /** The calls that the node has. */
  readonly tasks: TaskTable;
  readonly workers: WorkerTable;
  readonly lines: LineTable;
  readonly rows: ChangedRows;
  readonly outgoing: Outgoing;
  readonly turn: Turn;
}

/**
 * All actors, also after their end: their names, who has handles, on which thread each is and who calls it, from when it
 * is created over its lives to its death. What it hears, it tells the scheduler, the callers and the rows.
 */
export class ActorTable {
  readonly #parts: ActorTableParts;
  readonly #names: ActorNames;
  readonly #actors = new Map<ActorId, ActorRecord>();
  readonly #pauses: Pauses;
  #handled = 0;

  /** `namespace` is that of names that are given without one. */
  constructor(parts: ActorTableParts, namespace: string) {
    this.#parts = parts;
    this.#names = new ActorNames(namespace);
    this.#pauses = new Pauses((actor) => {
      parts.turn.note({ type: "rested", actor });
      parts.turn.work();
    });
  }

  has(actor: ActorId): boolean {
    return this.#actors.has(actor);
  }

  get(actor: ActorId): ActorRecord | undefined {
    return this.#actors.get(actor);
  }

  /** The thread on which it is, or will be, or was at last. */
  workerOf(actor: ActorId): WorkerId | undefined {
    return this.#actors.get(actor)?.worker;
  }

  /** How many are counted among the objects, as they have handles. */
  get handled(): number {
    return this.#handled;
  }

  /** A thread makes an actor. */
  create(client: ClientId, message: ClientMessage & { type: "create" }): void {
    const { objects, rows, turn } = this.#parts;
    const { args, ...rest } = message;
    const { actor, demand, maxRestarts, shared } = message;
    const pins = pinsOf(args);
    const record: ActorRecord = { message: rest, args, pins, row: actorRow(message), callers: new Set() };
    objects.pin(pins);
    this.#actors.set(actor, record);
    record.row.name = this.#names.nameOf(actor);
    rows.changed("actors", record.row);
    this.#countHandles(client, message);
    const { pending, failure } = examineArguments(objects, args);
    turn.note({ type: "create", actor, demand, maxRestarts, shared, pending });
    if (failure !== undefined) this.#fault(record, reasons.actorArgument(record, failure));
  }

  /** An actor is an object, too, whose references are handles: when there is none left, it ends. */
  #countHandles(client: ClientId, { actor, detached }: ClientMessage & { type: "create" }): void {
    const { objects, turn } = this.#parts;
    this.#handled += 1;
    objects.expect(actor, client);
    objects.settle(actor, { value: undefined }, [], undefined, () => {
      this.#handled -= 1;
      if (!turn.isOver) turn.note({ type: "kill", actor, reason: "released" });
    });
    if (detached) objects.pin([actor]);
  }

  /** Answers what a thread asks about names; it has a handle of the actor that it is told of. */
  answer(client: ClientId, question: Question): Answers[keyof Answers] {
    if (question.kind === "list") return this.#names.list(question.everywhere);
    const { objects } = this.#parts;
    const { name, namespace } = question;
    const found =
      question.kind === "find"
        ? this.#names.find(name, namespace)
        : this.#names.claim(name, namespace, question.handle);
    if (found !== undefined) objects.hold(client, [found.actor]);
    // Others may find the actor before it is made.
    else if (question.kind === "claim") objects.expect(question.handle.actor, client);
    return found ?? null;
  }

  /** A thread has ended: it calls nobody, and actors that it named and did not come to make have no names. */
  ownerEnded(client: ClientId): void {
    for (const { callers } of this.#actors.values()) callers.delete(client);
    this.#names.freeUnmade(client, (actor) => this.#actors.has(actor));
  }

  /** It is known on which thread an actor is, or will be. */
  placedOn(actor: ActorId, worker: WorkerId): ActorRecord {
    const record = this.#actors.get(actor)!;
    if (record.worker !== worker) {
      record.worker = worker;
      record.row.worker = formatWorkerId(worker);
      this.#parts.rows.changed("actors", record.row);
    }
    return record;
  }

  /** Its constructor has returned, or failed. */
  constructed(actor: ActorId, failure: Failure | undefined): void {
    const record = this.#actors.get(actor);
    if (record === undefined || record.failure !== undefined) return;
    if (failure !== undefined) {
      this.#fault(record, reasons.actorConstructor(record, failure));
      return;
    }
    if (!mayRestart(record)) this.#letGoArguments(record);
    record.row.state = "alive";
    this.#pauses.end(actor);
    this.#parts.rows.changed("actors", record.row);
    for (const client of record.callers) this.#connect(client, record);
  }

  /** A thread wants to call an actor. */
  meet(client: ClientId, actor: ActorId): void {
    const record = this.#actors.get(actor);
    const failure = record === undefined ? reasons.unknownActor() : record.failure;
    if (record !== undefined && failure === undefined) {
      record.callers.add(client);
      if (record.row.state === "alive") this.#connect(client, record);
    } else this.#parts.outgoing.push(client, { type: "lineEnded", actor, failure: failure!, gone: false });
  }

  #connect(client: ClientId, record: ActorRecord): void {
    const { actor, shared, limits } = record.message;
    const life = record.row.restarts;
    const groups = mayRestart(record) ? limits.length : 0;
    this.#parts.lines.connect(client, actor, record.worker!, { shared, life, groups });
  }

  /** An actor's thread has ended by its own fault; returns it if it is to pause, as its constructor had not returned. */
  pause(guilty: ActorId | undefined): ActorId | undefined {
    const record = guilty === undefined ? undefined : this.#actors.get(guilty);
    if (record === undefined || record.failure !== undefined || record.row.state === "alive") return undefined;
    return this.#pauses.begin(guilty!) ? guilty : undefined;
  }

  /** The session is over: nobody is made anew any more. */
  close(): void {
    this.#pauses.close();
  }

  /** An actor is gone from its thread, which has ended or has others, and is about to be made anew. */
  restarting({ actor, worker }: Instruction & { type: "restarting" }): void {
    const { rows, workers, outgoing } = this.#parts;
    const record = this.#actors.get(actor)!;
    record.row.state = "restarting";
    record.row.restarts += 1;
    rows.changed("actors", record.row);
    const gone = !workers.has(worker);
    const reason = this.interruption(worker);
    for (const client of record.callers) outgoing.push(client, { type: "lineBroken", actor, reason, gone });
  }

  /** Why an actor is not on this thread any more: it ended, or goes on with others. */
  interruption(worker: WorkerId): string {
    const { workers } = this.#parts;
    return workers.has(worker) ? "it was killed" : workers.deathOf(worker);
  }

  /** Calls that an actor's last thread did not end have places for the new one; those that have ended leave a gap. */
  place(client: ClientId, { actor, life, calls }: ClientMessage & { type: "placed" }): void {
    const placed = new Set<TaskId>();
    for (const [task, sequence] of calls) {
      const record = this.#parts.tasks.get(task);
      if (record?.place === undefined) this.#skip(client, actor, { life, sequence });
      else {
        record.place = { life, sequence };
        placed.add(task);
      }
    }
    this.#parts.turn.note({ type: "placed", caller: client, actor, tasks: placed, life });
  }

  /** Nothing comes at this place of a caller's order. */
  #skip(caller: ClientId, actor: ActorId, { life, sequence }: Pick<CallPlace, "life" | "sequence">): void {
    const record = this.#actors.get(actor);
    if (record?.worker === undefined || record.row.state !== "alive" || record.row.restarts !== life) return;
    this.#parts.outgoing.push(record.worker, { type: "skip", actor, caller, sequence });
  }

  /** A call that went by the node has its outcome. */
  callEnded({ client, message, place, sentIn }: TaskRecord): void {
    if (message.type !== "call") return;
    const { lines, outgoing } = this.#parts;
    const { task, actor, tell } = message;
    const worker = this.workerOf(actor);
    if (worker !== undefined) lines.ended(task, { caller: client, actor, worker });
    if (place !== undefined && sentIn !== place.life) this.#skip(client, actor, place);
    if (tell) outgoing.push(client, { type: "callEnded", actor, task });
  }

  /** It is dead, and will not be made anew. */
  buried({ actor, reason }: Instruction & { type: "dead" }): void {
    const { objects, workers, lines, rows, outgoing } = this.#parts;
    const record = this.#actors.get(actor);
    if (record === undefined) return;
    record.failure ??=
      reason.kind === "argument"
        ? reasons.actorArgument(record, failureOf(objects, reason.object))
        : reason.kind === "worker"
          ? reasons.actorLost(record, workers.deathOf(reason.worker))
          : reasons.actorEnded[reason.kind](record);
    this.#letGoArguments(record);
    this.#names.free(actor);
    this.#pauses.end(actor);
    if (record.worker !== undefined) lines.close(record.worker, actor);
    const { failure } = record;
    const gone = reason.kind === "worker";
    for (const client of record.callers) outgoing.push(client, { type: "lineEnded", actor, failure, gone });
    record.callers.clear();
    Object.assign(record.row, { state: "dead", endedAt: Date.now(), error: record.failure.message });
    rows.changed("actors", record.row);
  }

  /** An actor ends because of something that starting it anew would not mend. */
  #fault(record: ActorRecord, failure: Failure): void {
    record.failure = failure;
    this.#parts.turn.note({ type: "kill", actor: record.message.actor });
  }

  #letGoArguments(record: ActorRecord): void {
    record.args = [];
    this.#parts.objects.unpin(record.pins.splice(0));
  }
}

/** Whether an actor is made anew when its thread ends. */
function mayRestart({ message: { maxRestarts, shared }, row: { restarts } }: ActorRecord): boolean {
  // A shared one is not charged for what others do.
  return maxRestarts !== 0 && (shared || maxRestarts < 0 || restarts < maxRestarts);
}
