import { randomUUID } from "node:crypto";
import type { ControlStore, TaskRow } from "../../control/index.js";
import { type StoredValue, sharedBytes } from "../../store/value.js";
import type { NodeInfo, Place } from "../backend.js";
import { listedCalls } from "../call-list.js";
import { wallTime } from "../clock.js";
import type { Definition } from "../closures/definition.js";
import type { Failure } from "../failure.js";
import { codesIn, refsIn } from "../live.js";
import { formatObjectId } from "../object-ref.js";
import {
  type CallPlace,
  type ClientMessage,
  type ClientReply,
  type DownMessage,
  isWorkerMessage,
  type Outcome,
  type Resubmission,
  type UpMessage,
  type Welcome,
  type WorkerMessage,
} from "../protocol.js";
import { type Answers, giveAnswer, type Question } from "../questions.js";
import { notedTenant } from "../rings/tenant.js";
import type {
  ActorId,
  ClientId,
  CodeId,
  Instruction,
  ObjectId,
  SchedulerEvent,
  TaskId,
  WorkerId,
} from "../scheduler/events.js";
import { type Demand, toAmounts } from "../scheduler/resources.js";
import { Scheduler } from "../scheduler/scheduler.js";
import { ActorNames } from "./actor-names.js";
import { examineArguments, failureOf, readArguments } from "./arguments.js";
import { BoardTable } from "./board-table.js";
import { ChangedRows, formatWorkerId } from "./changed-rows.js";
import { watchEviction } from "./evictions.js";
import { HeldMessages } from "./held-messages.js";
import { Lending } from "./lending.js";
import { LineTable } from "./line-table.js";
import { Lineage } from "./lineage.js";
import { Looks } from "./looks.js";
import { ObjectTable } from "./object-table.js";
import { Outgoing } from "./outgoing.js";
import { Pauses } from "./pauses.js";
import * as reasons from "./reasons.js";
import { type ActorRecord, actorRow, orphanRow, pinsOf, type TaskRecord, taskRow } from "./records.js";
import { freed, type Reading, Requests } from "./requests.js";
import { resourceRows } from "./resource-rows.js";
import { ReturnsTable } from "./returns-table.js";
import { type Counted, isLarge, StoredValues } from "./stored-values.js";
import { summarize, type TaskSummary } from "./summary.js";
import type { ObjectMemory, Supervisor, WorkerLink } from "./supervisor.js";
import { TaskLog } from "./task-log.js";
import { timeline } from "./timeline.js";
import { WorkerTable } from "./worker-table.js";

export interface TaskHostOptions {
  /** What the node has, in units. */
  readonly total: Demand;
  readonly supervisor: Supervisor;
  /** Whether short tasks are sent to workers before these have ended others. True by default. */
  readonly ahead?: boolean;
  /** Where large values lie; absent where all is one thread's heap. */
  readonly memory: ObjectMemory | undefined;
  /** How many bytes of calls are kept, so that lost results can be made again. 256 MiB by default. */
  readonly lineageLimit?: number | undefined;
  readonly control?: ControlStore | undefined;
  readonly place: Place;
}

/** A new session on a node, which the state tables call so. */
export function createPlace({ node, namespace }: { node?: string | undefined; namespace?: string | undefined }): Place {
  return { job: randomUUID(), node: node ?? "node-0", namespace: namespace ?? usualNamespace };
}

/** The driver's connection. */
export interface Connection {
  readonly welcome: Welcome;
  receive(batch: readonly UpMessage[]): void;
}

const usualNamespace = "default";
const defaultLineageLimit = 2 ** 28;

/** The driver has this number; workers have theirs, from 1. */
const driver: ClientId = 0;

/**
 * The deciding half of an engine, on the node thread: knows workers, actors, the objects that more than one thread may refer
 * to, and the tasks that ask for more than a CPU or need such an object; asks the scheduler what to do and does it. What
 * goes by boards and rings it only makes possible: it introduces threads to each other and says who may claim. Runs no
 * user code.
 */
export class TaskHost {
  readonly #options: TaskHostOptions;
  readonly #scheduler: Scheduler;
  readonly #since = wallTime();
  readonly #objects: ObjectTable;
  readonly #lineage: Lineage;
  readonly #lending: Lending;
  readonly #values: StoredValues;
  readonly #requests: Requests;
  readonly #rows: ChangedRows;
  readonly #log: TaskLog;
  readonly #codes = new Map<CodeId, Definition>();
  readonly #tasks = new Map<TaskId, TaskRecord>();
  readonly #actors = new Map<ActorId, ActorRecord>();
  readonly #workers: WorkerTable;
  readonly #outgoing = new Outgoing();
  readonly #looks = new Looks((client, request) => this.#outgoing.push(client, { type: "look", request }));
  readonly #boards = new BoardTable(this.#outgoing, (worker, code) => this.#define(worker, code));
  readonly #lines = new LineTable(this.#outgoing, this.#boards);
  readonly #backlog = new HeldMessages();
  readonly #returns = new ReturnsTable();
  readonly #pauses = new Pauses((actor) => {
    this.#events.push({ type: "rested", actor });
    this.#work();
  });
  readonly #names: ActorNames;
  /** How many actors are counted among the objects. */
  #handles = 0;
  #events: SchedulerEvent[] = [];
  #closed = false;

  constructor(options: TaskHostOptions) {
    this.#options = options;
    this.#names = new ActorNames(options.place.namespace);
    this.#scheduler = new Scheduler(options.total, options);
    const send = (client: ClientId, reply: ClientReply) => this.#outgoing.push(client, reply);
    this.#objects = new ObjectTable(
      (memory) => this.#values.release(memory),
      (id) => this.#lineage.forget(id),
    );
    this.#lineage = new Lineage(this.#objects, options.lineageLimit ?? defaultLineageLimit);
    this.#lending = new Lending(options.memory, send, () => this.#outgoing.flush());
    this.#values = new StoredValues(this.#objects, options.memory, this.#lending);
    this.#requests = new Requests(this.#objects, send, {
      read: (client, objects) => this.#read(client, objects),
      answered: () => this.#work(),
      lost: (object, failure) => this.#lost([object], failure.message),
    });
    this.#rows = new ChangedRows(options.control);
    this.#log = new TaskLog(options.control, {
      calleeOf: (owner, callee) => this.#boards.calleeOf(owner, callee),
      actorOf: (worker) => this.#workers.actorOf(worker),
      current: () => this.#currentRows(),
    });
    this.#workers = new WorkerTable(this.#rows, options.place.node);
  }

  /** Connects the driver; `send` carries batches to it. With `boards`, it may put calls up for workers to take. */
  connect(send: (batch: readonly DownMessage[]) => void, { boards }: { boards: boolean }): Connection {
    this.#outgoing.connect(driver, send);
    const words = this.#boards.addClient(driver);
    return {
      welcome: { client: driver, place: this.#options.place, total: this.#options.total, ...(boards && { words }) },
      receive: (batch) => this.#receive(driver, batch),
    };
  }

  /** What is not done yet, for tests and for people: all zero once everything was released and every actor ended. */
  load() {
    const { waiting, tasks, actors } = this.#scheduler.load;
    return {
      objects: this.#objects.size - this.#handles,
      loans: this.#lending.size,
      lineage: this.#lineage.size,
      requests: this.#requests.size,
      waiting,
      tasks,
      actors,
      calls: this.#boards.calls,
      free: this.#free(),
    };
  }

  /** Whether no worker runs a call from a board. */
  get isAtRest(): boolean {
    return this.#boards.isAtRest;
  }

  /** Writes the state tables' rows that are still under way. */
  async flush(): Promise<void> {
    for (const [worker, busy] of this.#boards.busyWorkers()) this.#workers.claims(worker, busy);
    for (const row of resourceRows(this.#nodeInfo())) this.#rows.changed("resources", row);
    await this.#rows.flush();
  }

  /** What nobody holds. A worker that has nothing to do holds its CPU for calls from boards. */
  #free(): Demand {
    const free = this.#scheduler.ledger.free();
    return { ...free, cpus: free.cpus + this.#boards.idleCpus() };
  }

  #nodeInfo(): NodeInfo {
    const free = this.#free();
    // While a task that waited goes on beside another one, they hold more than there is.
    const available = toAmounts({ ...free, cpus: Math.max(0, free.cpus) });
    return { id: this.#options.place.node, alive: !this.#closed, resources: toAmounts(this.#options.total), available };
  }

  /** How many tasks there are of each name, by state. */
  async summarize(): Promise<TaskSummary[]> {
    const current = await this.#currentRows();
    return await summarize(this.#log.snapshot()(), current.values());
  }

  /** The session's timeline until now, as text in the Trace Event Format. */
  async *timeline(): AsyncGenerator<string> {
    const workers = (await this.#options.control?.list("workers")) ?? [];
    const current = [...(await this.#currentRows()).values()];
    const entries = this.#log.snapshot();
    yield* timeline({ entries, current, workers, node: this.#options.place.node, since: this.#since, now: wallTime() });
  }

  /** Ends all workers and forgets all objects. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#workers.removeAll("the session was closed");
    this.#pauses.close();
    await this.#options.supervisor.close();
    this.#objects.clear();
    await this.#rows.flush();
  }

  #receive(client: ClientId, batch: readonly UpMessage[]): void {
    if (this.#closed) return;
    if (!this.#backlog.hold(client, batch)) this.#take(client, batch);
    this.#work();
  }

  /** Takes messages in order, up to one that speaks of what another thread's message, still under way, will make known. */
  #take(client: ClientId, batch: readonly UpMessage[]): void {
    let news = false;
    for (let i = 0; i < batch.length; i++) {
      const message = batch[i]!;
      if (this.#isAhead(client, message)) {
        this.#backlog.open(client, batch.slice(i));
        break;
      }
      if (isWorkerMessage(message)) this.#takeFromWorker(client, message);
      else this.#takeFromClient(client, message);
      news ||= message.type === "define" || message.type === "create";
    }
    if (news) this.#resume();
  }

  /** Takes what was held back, as far as that is possible now. */
  #resume(): void {
    for (const [client, batch] of this.#backlog.empty()) {
      if (!this.#backlog.hold(client, batch)) this.#take(client, batch);
    }
  }

  /**
   * Whether a message names code or an actor that its maker's message has not introduced yet. Handles travel by rings,
   * which may be faster than the messages of the thread that sent them.
   */
  #isAhead(client: ClientId, message: UpMessage): boolean {
    switch (message.type) {
      case "submit":
      case "create":
      case "callee":
        return message.code !== undefined && !this.#codes.has(message.code) && this.#isFromOther(client, message.code);
      case "call":
      case "meet":
      case "kill":
        return !this.#actors.has(message.actor) && this.#isFromOther(client, message.actor);
      default:
        return false;
    }
  }

  /** Whether the number was given by another thread, which lives. */
  #isFromOther(client: ClientId, id: number): boolean {
    const maker = Math.floor(id / 2 ** 32);
    return maker !== client && this.#boards.has(maker);
  }

  /** Lets the scheduler decide until nothing follows, then sends what came of it. */
  #work(): void {
    while (this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      for (const instruction of this.#scheduler.handle(events)) this.#carryOut(instruction);
    }
    this.#outgoing.flush();
  }

  #takeFromClient(client: ClientId, message: ClientMessage): void {
    switch (message.type) {
      case "define":
        this.#codes.set(message.code, message.definition);
        this.#objects.pin(refsIn(message.definition.values));
        this.#accept(client, { value: message.definition.values });
        return;
      case "submit":
      case "call": {
        const pins = pinsOf(message.args);
        if (message.type === "call") pins.push(message.actor);
        const row = taskRow(message);
        this.#objects.expect(message.task, client);
        this.#objects.pin(pins);
        const place = message.type === "call" ? message.place : undefined;
        this.#tasks.set(message.task, { message, client, pins, row, place });
        if (message.returns !== undefined) {
          const parts = this.#returns.add(message.task, client, message.returns);
          for (const part of parts) this.#objects.expect(part, client);
        }
        const { task } = message;
        const { pending, failure } = examineArguments(this.#objects, message.args);
        if (failure !== undefined) {
          this.#settle(task, { failure });
          return;
        }
        if (message.type === "call") {
          const { actor, maxTaskRetries } = message;
          const life = place?.life;
          this.#events.push({ type: "call", task, actor, caller: client, maxTaskRetries, life, pending });
        } else {
          const { code, demand, maxRetries } = message;
          this.#events.push({ type: "submit", task, code, demand, maxRetries, pending });
        }
        return;
      }
      case "create": {
        const { args, ...rest } = message;
        const { actor, demand, maxRestarts, shared } = message;
        const pins = pinsOf(args);
        const record: ActorRecord = { message: rest, args, pins, row: actorRow(message), callers: new Set() };
        this.#objects.pin(pins);
        this.#actors.set(actor, record);
        record.row.name = this.#names.nameOf(actor);
        this.#rows.changed("actors", record.row);
        this.#countHandles(client, message);
        const { pending, failure } = examineArguments(this.#objects, args);
        this.#events.push({ type: "create", actor, demand, maxRestarts, shared, pending });
        if (failure !== undefined) this.#fault(record, reasons.actorArgument(record, failure));
        return;
      }
      case "placed":
        this.#place(client, message);
        return;
      case "ask":
        giveAnswer(message.answer, this.#answer(client, message.question));
        return;
      case "put":
        this.#objects.expect(message.object, client);
        this.#settle(message.object, { value: message.value }, "put()", client);
        return;
      case "share":
        this.#objects.expect(message.object, client);
        if (message.outcome !== undefined) this.#settle(message.object, message.outcome);
        return;
      case "board":
        this.#boards.addBoard(client, message.memory);
        this.#events.push({ type: "board" });
        return;
      case "callee":
        this.#boards.addCallee(client, message);
        return;
      case "meet":
        this.#meet(client, message.actor);
        return;
      case "unrun":
        this.#log.unrun(message);
        return;
      case "looked":
        this.#looks.answer(client, message.request, message.calls);
        return;
      case "unanswered":
        this.#log.annul(message.task, message.attempt);
        return;
      case "get":
        if (message.areHeld) this.#expectHeld(message.objects);
        this.#requests.get(client, message.request, message.objects);
        if (message.stops) for (const task of message.objects.toReversed()) this.#events.push({ type: "hurry", task });
        return;
      case "wait":
        this.#requests.wait(client, message.request, message.objects, message.count);
        return;
      case "settle":
        this.#requests.settle(client, message.request);
        return;
      case "forget":
        this.#requests.forget(client, message.request);
        return;
      case "hold":
        this.#objects.hold(client, message.objects);
        return;
      case "release":
        this.#objects.release(client, message.objects);
        return;
      case "free":
        for (const object of message.objects) {
          this.#lending.freed(object);
          this.#lineage.forget(object);
          this.#objects.drop(object, freed(formatObjectId(object)));
          this.#announce(object, false);
        }
        return;
      case "giveBack":
        this.#lending.giveBack(client, message.loans);
        return;
      case "usesSpare":
        this.#lending.usesSpare(client, message.spare);
        return;
      case "collected":
        this.#lending.collected(client);
        return;
      case "lineage": {
        this.#objects.expect(message.call.task, client);
        const entry = this.#objects.get(message.call.task)!;
        if (entry.outcome === undefined || entry.memory !== undefined) this.#lineage.keep(message.call);
        return;
      }
      case "kill":
        this.#events.push({ type: "kill", actor: message.actor, restart: message.restart });
        return;
      case "cancel":
        this.#cancel(message, client);
        return;
      case "took": {
        const maker = this.#returns.took(message.task, message.count);
        if (maker === undefined) return;
        this.#outgoing.push(maker.worker, { type: "demand", task: message.task, limit: maker.limit });
        return;
      }
      case "nodes":
        this.#outgoing.push(client, { type: "nodes", request: message.request, nodes: [this.#nodeInfo()] });
        return;
    }
  }

  #takeFromWorker(worker: WorkerId, message: WorkerMessage): void {
    if (!this.#workers.has(worker)) return;
    switch (message.type) {
      case "started":
        this.#workers.started(worker);
        this.#events.push({ type: "started", worker });
        return;
      case "done":
        this.#workers.count(worker, -1);
        this.#events.push({ type: "finished", worker, task: message.task, milliseconds: message.milliseconds });
        this.#done(worker, message.task, [message.outcome, ...(message.more ?? [])]);
        return;
      case "item": {
        const { task, index, value } = message;
        const passed = this.#returns.pass(task, index);
        if (passed === undefined || !this.#boards.has(passed.consumer)) {
          this.#accept(worker, { value });
          return;
        }
        this.#objects.expect(passed.object, passed.consumer);
        this.#settle(passed.object, { value }, `an item of ${this.#tasks.get(task)?.message.name}`, worker);
        this.#outgoing.push(passed.consumer, { type: "item", task, object: passed.object });
        return;
      }
      case "constructed":
        this.#constructed(message.actor, message.failure);
        return;
      case "evicted": {
        const { began, open } = this.#lines.close(worker, message.actor);
        for (let i = 0; i < open; i++) this.#workers.count(worker, -1);
        this.#events.push({ type: "evicted", actor: message.actor, began });
        return;
      }
      case "exit":
        this.#events.push({ type: "kill", actor: message.actor, reason: "exited" });
        return;
      case "blocked":
      case "resumed":
        this.#events.push({ type: message.type, worker, task: message.task });
        return;
      case "stopped":
      case "wentOn":
        this.#events.push({ type: message.type, worker, task: message.task });
        return;
      case "returned":
        this.#returned(worker, message.tasks);
        return;
      case "deposit":
        this.#deposit(worker, message.task, message.outcome, message.name);
        return;
      case "learn":
        this.#boards.learn(worker, message.owner, message.callee);
        return;
      case "parked":
        if (this.#boards.parked(worker, message.permit)) this.#events.push({ type: "parked", worker });
        return;
      case "taken":
        this.#boards.wakeIdle();
        return;
      case "fault":
        this.#log.fault(worker, message);
        return;
      case "journal":
        this.#log.turn(worker, message.chunk);
        return;
    }
  }

  /** Tasks that did not begin, as their thread stands still. */
  #returned(worker: WorkerId, tasks: readonly TaskId[]): void {
    for (const task of tasks.toReversed()) {
      this.#workers.count(worker, -1);
      this.#events.push({ type: "returned", worker, task });
      const row = this.#tasks.get(task)?.row;
      if (row === undefined) continue;
      Object.assign(row, { state: "pending", worker: null, attempt: row.attempt - 1, startedAt: null });
    }
  }

  /** Submits a task that failed once more, if it is to be tried again; returns whether it did. */
  #retry(task: TaskId, outcome: Outcome): boolean {
    const record = this.#tasks.get(task);
    if (record === undefined || !("failure" in outcome) || record.message.type !== "submit") return false;
    const { code, demand, maxRetries, retryExceptions } = record.message;
    const attempts = record.row.attempt;
    if (!retryExceptions || outcome.failure.code === "TASK_CANCELLED") return false;
    if (maxRetries >= 0 && attempts > maxRetries) return false;
    const left = maxRetries < 0 ? maxRetries : maxRetries - attempts;
    record.row.endedAt = wallTime();
    record.row.state = "pending";
    this.#events.push({ type: "submit", task, code, demand, maxRetries: left, pending: [] });
    return true;
  }

  /** A task has ended with these outcomes, one for each object that it makes. */
  #done(worker: WorkerId, task: TaskId, outcomes: readonly Outcome[]): void {
    if (this.#retry(task, outcomes[0]!)) {
      for (const outcome of outcomes) this.#accept(worker, outcome);
      return;
    }
    // The task's own last: with that, it ends.
    for (let i = outcomes.length; i-- > 0; ) this.#settle(task + i, outcomes[i]!, undefined, worker);
  }

  /** The outcome of a call from a board, which its owner gets from here. */
  /** What makes these objects known may come later, from another thread. */
  #expectHeld(objects: readonly ObjectId[]): void {
    for (const object of objects) {
      const owner = Math.floor(object / 2 ** 32);
      if (this.#boards.has(owner)) this.#objects.expect(object, owner);
    }
  }

  #deposit(worker: WorkerId, task: TaskId, outcome: Outcome, name: string): void {
    const owner = Math.floor(task / 2 ** 32);
    if (this.#boards.has(owner)) {
      this.#objects.expect(task, owner);
      this.#settle(task, outcome, `the result of ${name}`, worker);
    } else this.#accept(worker, outcome);
  }

  #constructed(actor: ActorId, failure: Failure | undefined): void {
    const record = this.#actors.get(actor);
    if (record === undefined || record.failure !== undefined) return;
    if (failure !== undefined) {
      this.#fault(record, reasons.actorConstructor(record, failure));
      return;
    }
    if (!mayRestart(record)) this.#letGoArguments(record);
    record.row.state = "alive";
    this.#pauses.end(actor);
    this.#rows.changed("actors", record.row);
    for (const client of record.callers) this.#connect(client, record);
  }

  /** An actor is an object, too, whose references are handles: when there is none left, it ends. */
  #countHandles(client: ClientId, { actor, detached }: ClientMessage & { type: "create" }): void {
    this.#handles += 1;
    this.#objects.expect(actor, client);
    this.#objects.settle(actor, { value: undefined }, [], undefined, () => {
      this.#handles -= 1;
      if (!this.#closed) this.#events.push({ type: "kill", actor, reason: "released" });
    });
    if (detached) this.#objects.pin([actor]);
  }

  #answer(client: ClientId, question: Question): Answers[keyof Answers] {
    if (question.kind === "list") return this.#names.list(question.everywhere);
    const { name, namespace } = question;
    const found =
      question.kind === "find"
        ? this.#names.find(name, namespace)
        : this.#names.claim(name, namespace, question.handle);
    if (found !== undefined) this.#objects.hold(client, [found.actor]);
    return found ?? null;
  }

  #connect(client: ClientId, record: ActorRecord): void {
    const { actor, shared, limits } = record.message;
    const life = record.row.restarts;
    const groups = mayRestart(record) ? limits.length : 0;
    this.#lines.connect(client, actor, record.worker!, { shared, life, groups });
  }

  /** An actor ends because of something that starting it anew would not mend. */
  #fault(record: ActorRecord, failure: Failure): void {
    record.failure = failure;
    this.#events.push({ type: "kill", actor: record.message.actor });
  }

  #letGoArguments(record: ActorRecord): void {
    record.args = [];
    this.#objects.unpin(record.pins.splice(0));
  }

  /** An actor is gone from its thread, which has ended or has others, and is about to be made anew. */
  #restarting({ actor, worker }: Instruction & { type: "restarting" }): void {
    const record = this.#actors.get(actor)!;
    record.row.state = "restarting";
    record.row.restarts += 1;
    this.#rows.changed("actors", record.row);
    const gone = !this.#workers.has(worker);
    const reason = this.#interruption(worker);
    for (const client of record.callers) this.#outgoing.push(client, { type: "lineBroken", actor, reason, gone });
  }

  /** Why an actor is not on this thread any more: it ended, or goes on with others. */
  #interruption(worker: WorkerId): string {
    return this.#workers.has(worker) ? "it was killed" : this.#workers.deathOf(worker);
  }

  /** Calls that an actor's last thread did not end have places for the new one; those that have ended leave a gap. */
  #place(client: ClientId, { actor, life, calls }: ClientMessage & { type: "placed" }): void {
    const tasks = new Set<TaskId>();
    for (const [task, sequence] of calls) {
      const record = this.#tasks.get(task);
      if (record?.place === undefined) this.#skip(client, actor, { life, sequence });
      else {
        record.place = { life, sequence };
        tasks.add(task);
      }
    }
    this.#events.push({ type: "placed", actor, tasks, life });
  }

  /** Nothing comes at this place of a caller's order. */
  #skip(caller: ClientId, actor: ActorId, { life, sequence }: Pick<CallPlace, "life" | "sequence">): void {
    const record = this.#actors.get(actor);
    if (record?.worker === undefined || record.row.state !== "alive" || record.row.restarts !== life) return;
    this.#outgoing.push(record.worker, { type: "skip", actor, caller, sequence });
  }

  /** A thread wants to call an actor. */
  #meet(client: ClientId, actor: ActorId): void {
    const record = this.#actors.get(actor);
    const failure = record === undefined ? reasons.unknownActor() : record.failure;
    if (record !== undefined && failure === undefined) {
      record.callers.add(client);
      if (record.row.state === "alive") this.#connect(client, record);
    } else this.#outgoing.push(client, { type: "lineEnded", actor, failure: failure!, gone: false });
  }

  #carryOut(instruction: Instruction): void {
    switch (instruction.type) {
      case "start":
        this.#start(instruction.worker, instruction.actor, instruction.actor === undefined);
        return;
      case "host":
        this.#start(instruction.worker, undefined, false);
        return;
      case "stop":
        // On purpose: who else was on that thread is not to blame.
        this.#ended(instruction.worker, "it was stopped", true)?.stop();
        return;
      case "cancel": {
        const { worker, task, recursive } = instruction;
        const message = this.#tasks.get(task)?.message;
        const actor = message?.type === "call" ? message.actor : undefined;
        this.#outgoing.push(worker, { type: "cancel", task, recursive, actor });
        return;
      }
      case "run": {
        const { worker, task, gpus: gpuIds } = instruction;
        const { message, row } = this.#tasks.get(task)!;
        if (message.type !== "submit") return;
        const { code, name, demand } = message;
        this.#withArguments(worker, task, (args) => {
          this.#define(worker, code);
          this.#running(row, worker);
          const { attempt } = row;
          const returns = this.#returns.begin(task, worker);
          this.#outgoing.push(worker, { type: "run", task, code, name, args, gpuIds, attempt, demand, returns });
        });
        return;
      }
      case "call": {
        const { worker, task } = instruction;
        const record = this.#tasks.get(task);
        if (record?.message.type !== "call") return;
        const { message, client: caller, place, row } = record;
        const { actor, name, method, group } = message;
        this.#withArguments(worker, task, (args) => {
          const groups = this.#actors.get(actor)!.message.limits.length;
          const sequence = this.#lines.send(task, { caller, actor, worker, group, groups }, place?.sequence);
          record.sentIn = place?.life;
          const returns = this.#returns.begin(task, worker);
          const what = { task, actor, name, method, group, args, caller, sequence, returns };
          this.#outgoing.push(worker, { type: "call", ...what });
          this.#running(row, worker);
        });
        return;
      }
      case "construct": {
        this.#construct(instruction);
        return;
      }
      case "evict": {
        const { worker, actor, again } = instruction;
        this.#outgoing.push(worker, { type: "evict", actor, again });
        const words = this.#boards.wordsOf(worker);
        if (words === undefined) return;
        watchEviction(words, actor, () => {
          this.#workers.terminate(worker, reasons.stuckTenant(this.#actors.get(actor)!));
        });
        return;
      }
      case "terminate":
        this.#workers.terminate(instruction.worker, "it was killed");
        return;
      case "restarting":
        this.#restarting(instruction);
        return;
      case "permit":
        if (this.#boards.permit(instruction.worker, instruction.milliseconds)) return;
        this.#events.push({ type: "parked", worker: instruction.worker });
        return;
      case "revoke":
        if (this.#boards.revoke(instruction.worker)) this.#events.push({ type: "parked", worker: instruction.worker });
        return;
      case "stranded":
        this.#boards.strand(this.#workers.deathOf());
        return;
      case "fail":
        this.#settle(instruction.task, { failure: this.#explain(instruction) });
        return;
      case "dead":
        this.#buried(instruction);
        return;
    }
  }

  #construct(instruction: Instruction & { type: "construct" }): void {
    const { worker, actor, gpus: gpuIds } = instruction;
    const record = this.#actors.get(actor)!;
    this.#placed(record, worker);
    const { code, className, demand, limits, shared } = record.message;
    const life = record.row.restarts;
    const proceed = (reading: Reading): void => {
      if (record.failure !== undefined || record.row.restarts !== life || !this.#workers.has(worker)) {
        if ("values" in reading) this.#values.unread(worker, reading.values);
      } else if ("values" in reading) {
        this.#define(worker, code);
        const args = reading.values;
        const message = { actor, code, className, args, demand, gpuIds, limits, shared, life };
        this.#outgoing.push(worker, { type: "construct", ...message });
      } else if (reading.lost !== undefined) {
        this.#lost([reading.lost], reading.failure.message);
        this.#requests.once(reading.lost, () => this.#construct(instruction));
      } else this.#constructed(actor, reading.failure);
    };
    const reading = readArguments(this.#objects, this.#values, worker, record.args);
    if (reading instanceof Promise) void reading.then(proceed).then(() => this.#work());
    else proceed(reading);
  }

  /** Reads values for a thread, which may end while the disk is read. */
  #read(client: ClientId, objects: readonly ObjectId[]): Reading | Promise<Reading> {
    const reading = this.#values.read(client, objects);
    if (!(reading instanceof Promise)) return reading;
    return reading.then((read) => {
      if ("values" in read && !this.#boards.has(client)) this.#values.unread(client, read.values);
      return read;
    });
  }

  #start(worker: WorkerId, actor: ActorId | undefined, claims: boolean): void {
    const words = this.#boards.addClient(worker);
    const link = this.#options.supervisor.start(worker, claims, words, {
      receive: (batch) => this.#receive(worker, batch),
      died: (reason) => {
        const guilty = actor ?? notedTenant(words);
        if (this.#closed || this.#ended(worker, this.#accuse(reason, guilty, actor)) === undefined) return;
        const { began } = this.#lines.close(worker);
        this.#events.push({ type: "died", worker, began, guilty, paused: this.#pause(guilty) });
        this.#work();
      },
    });
    this.#workers.add(worker, actor, link);
    this.#outgoing.connect(worker, (batch) => {
      link.send(batch);
      this.#boards.posted(worker);
    });
    if (claims) this.#boards.addClaimer(worker);
    if (actor !== undefined) this.#placed(this.#actors.get(actor)!, worker);
  }

  /** An actor's thread has ended by its own fault; returns it if it is to pause, as its constructor had not returned. */
  #pause(guilty: ActorId | undefined): ActorId | undefined {
    const record = guilty === undefined ? undefined : this.#actors.get(guilty);
    if (record === undefined || record.failure !== undefined || record.row.state === "alive") return undefined;
    return this.#pauses.begin(guilty!) ? guilty : undefined;
  }

  /** The reason why a thread ended, with the name of the shared actor that is to blame. */
  #accuse(reason: string, guilty: ActorId | undefined, actor: ActorId | undefined): string {
    const record = guilty === actor || guilty === undefined ? undefined : this.#actors.get(guilty);
    return record === undefined ? reason : `${reason} in the shared actor ${record.message.className}`;
  }

  /** It is known on which thread an actor is, or will be. */
  #placed(record: ActorRecord, worker: WorkerId): void {
    if (record.worker === worker) return;
    record.worker = worker;
    record.row.worker = formatWorkerId(worker);
    this.#rows.changed("actors", record.row);
  }

  /** Cancels a task of the scheduler's, or one that only its owner and the worker which has it know. */
  #cancel({ task: object, force, recursive, actor }: ClientMessage & { type: "cancel" }, client?: ClientId): void {
    const task = this.#returns.taskOf(object);
    if (recursive) this.#cancelChildren(task, force);
    if (this.#tasks.has(task)) {
      this.#events.push({ type: "cancel", task, force, recursive });
      return;
    }
    const worker = actor === undefined ? this.#boards.workerOf(task) : this.#actors.get(actor)?.worker;
    if (worker === undefined) {
      const owner = Math.floor(task / 2 ** 32);
      // The owner knows whether it is still to come.
      if (owner !== client && this.#boards.has(owner))
        this.#outgoing.push(owner, { type: "cancelOwn", task, force, recursive });
    } else if (force && actor === undefined) this.#events.push({ type: "discard", worker });
    else this.#outgoing.push(worker, { type: "cancel", task, recursive, actor });
  }

  /** Cancels what a task submitted, as far as that is known here; its thread knows the rest, and loses that if it is ended. */
  #cancelChildren(parent: TaskId, force: boolean): void {
    for (const [task, { message }] of this.#tasks) {
      if (message.parent === parent)
        this.#cancel({ type: "cancel", task, force: force && message.type === "submit", recursive: true });
    }
    if (!force) return;
    for (const { task, worker } of this.#boards.childrenOf(parent)) {
      this.#cancelChildren(task, true);
      if (worker !== undefined) this.#events.push({ type: "discard", worker });
    }
  }

  /** Strikes a worker off, with all references that it had; undefined when it was before. */
  #ended(worker: WorkerId, reason: string, onPurpose = false): WorkerLink | undefined {
    const link = this.#workers.remove(worker, reason);
    if (link === undefined) return undefined;
    this.#outgoing.disconnect(worker);
    const name = formatWorkerId(worker);
    for (const row of this.#boards.rows(worker)) this.#log.add({ row: orphanRow(row, reason) });
    for (const row of this.#boards.rows()) {
      if (row.worker === name && row.state === "running") this.#log.cutOff(row, reason);
    }
    this.#boards.remove(worker, reason, onPurpose);
    this.#lines.callerEnded(worker);
    this.#log.ended(worker);
    this.#looks.forget(worker);
    this.#requests.forgetAll(worker);
    this.#objects.releaseAll(worker);
    this.#lending.forget(worker);
    // What it would have made known itself: tasks that go through the node run on without it.
    for (const id of [...this.#objects.pendingOf(worker)]) {
      // An actor's calls keep the order of their caller, which it gave them.
      const record = this.#tasks.get(id);
      if (record === undefined || record.place !== undefined)
        this.#settle(id, { failure: reasons.ownerDied(formatObjectId(id), reason) });
    }
    // Nobody takes what these make.
    for (const task of this.#returns.streamsFor(worker)) {
      this.#events.push({ type: "cancel", task, force: false, recursive: true });
    }
    this.#names.freeUnmade(worker, (actor) => this.#actors.has(actor));
    // Nothing more comes from it that others could wait for.
    this.#backlog.forget(worker);
    this.#resume();
    return link;
  }

  #buried({ actor, reason }: Instruction & { type: "dead" }): void {
    const record = this.#actors.get(actor);
    if (record === undefined) return;
    record.failure ??=
      reason.kind === "argument"
        ? reasons.actorArgument(record, failureOf(this.#objects, reason.object))
        : reason.kind === "worker"
          ? reasons.actorLost(record, this.#workers.deathOf(reason.worker))
          : reasons.actorEnded[reason.kind](record);
    this.#letGoArguments(record);
    this.#names.free(actor);
    this.#pauses.end(actor);
    if (record.worker !== undefined) this.#lines.close(record.worker, actor);
    const { failure } = record;
    const gone = reason.kind === "worker";
    for (const client of record.callers) this.#outgoing.push(client, { type: "lineEnded", actor, failure, gone });
    record.callers.clear();
    Object.assign(record.row, { state: "dead", endedAt: Date.now(), error: record.failure.message });
    this.#rows.changed("actors", record.row);
  }

  #explain({ task, reason }: Instruction & { type: "fail" }): Failure {
    const name = this.#tasks.get(task)?.message.name ?? "A task";
    switch (reason.kind) {
      case "argument":
        return failureOf(this.#objects, reason.object);
      case "worker":
        return reasons.workerDied(name, reason.attempts, this.#workers.deathOf(reason.worker));
      case "actor":
        return reasons.actorDied(name, this.#actors.get(reason.actor)?.failure);
      case "restarted":
        return reasons.callInterrupted(name, this.#interruption(reason.worker));
      case "no-workers":
        return reasons.noWorkers(name, this.#workers.deathOf());
      case "cancelled":
        return reasons.cancelled(name);
    }
  }

  /** Gives an object its outcome, which came from a thread or is a failure; only the first counts. Large values are counted first. */
  #settle(id: ObjectId, outcome: Outcome, label?: string, from?: ClientId): void {
    if (this.#closed) return;
    if (!isLarge(outcome) || this.#options.memory === undefined) {
      this.#publish(id, { outcome, memory: undefined });
      return;
    }
    const bytes = sharedBytes(outcome.value);
    const name = label ?? `the result of ${this.#tasks.get(id)?.message.name ?? "a task"}`;
    const publish = (counted: Counted) => {
      this.#publish(id, counted);
      this.#boards.accept(from!, bytes);
    };
    const counted = this.#values.take(outcome, from!, name);
    if (counted instanceof Promise) void counted.then(publish).then(() => this.#work());
    else publish(counted);
  }

  #publish(id: ObjectId, { outcome, memory }: Counted): void {
    const record = this.#tasks.get(id);
    if (this.#closed) {
      memory?.object.release();
      return;
    }
    const contains = "value" in outcome ? refsIn(outcome.value) : [];
    if (memory === undefined) this.#lineage.forget(id);
    else if (record?.message.type === "submit" && record.message.returns === undefined)
      this.#keepCall(record.message, record.row.attempt);
    const first = this.#objects.settle(id, outcome, contains, memory);
    if (first) this.#announce(id, "value" in outcome);
    if (record === undefined) return;
    this.#tasks.delete(id);
    const { parts, consumer } = this.#returns.end(id);
    // Values of the others came first.
    if ("failure" in outcome) for (const part of parts) this.#publish(part, { outcome, memory: undefined });
    if (consumer !== undefined) {
      this.#outgoing.push(consumer, { type: "streamEnd", task: id, failed: "failure" in outcome });
    }
    this.#objects.unpin(record.pins);
    if (record.message.type === "call") this.#callEnded(record, record.message);
    const { row } = record;
    row.endedAt = wallTime();
    row.state = "value" in outcome ? "finished" : outcome.failure.code === "TASK_CANCELLED" ? "cancelled" : "failed";
    if ("failure" in outcome) row.error = `${outcome.failure.code}: ${outcome.failure.message}`;
    this.#log.add({ row });
  }

  #callEnded({ client, place, sentIn }: TaskRecord, { task, actor, tell }: ClientMessage & { type: "call" }): void {
    this.#lines.ended(task, client, actor);
    if (place !== undefined && sentIn !== place.life) this.#skip(client, actor, place);
    if (tell) this.#outgoing.push(client, { type: "callEnded", actor, task });
  }

  #keepCall({ task, code, name, args, demand, maxRetries, retryExceptions }: Resubmission, attempt: number): void {
    const left = maxRetries < 0 ? maxRetries : Math.max(0, maxRetries - (attempt - 1));
    this.#lineage.keep({ task, code, name, args, demand, maxRetries: left, retryExceptions });
  }

  /** The values of these objects are gone: makes them again, or says that they are lost. */
  #lost(objects: readonly ObjectId[], why?: string): void {
    const missing = objects.filter((id) => this.#objects.get(id)?.memory !== undefined);
    const { calls, hopeless } = this.#lineage.plan(missing);
    for (const id of hopeless) {
      this.#lineage.forget(id);
      this.#objects.drop(id, reasons.objectLost(formatObjectId(id), why));
      this.#announce(id, false);
    }
    for (const call of calls) {
      const message = { type: "submit", ...call, parent: undefined } as const;
      const pins = pinsOf(call.args);
      this.#objects.pin(pins);
      this.#tasks.set(call.task, { message, client: Math.floor(call.task / 2 ** 32), pins, row: taskRow(message) });
    }
    for (const { task, code, args, demand, maxRetries } of calls) {
      const { pending, failure } = examineArguments(this.#objects, args);
      if (failure !== undefined) this.#settle(task, { failure });
      else this.#events.push({ type: "submit", task, code, demand, maxRetries, pending });
    }
  }

  /** Loses the values of these objects, as a disk may: what tests do. */
  lose(objects: readonly ObjectId[]): void {
    this.#lost(objects, "it was taken away");
    this.#work();
  }

  /** Ends every worker; what is there then, only the driver holds. For tests. */
  endWorkers(): void {
    for (const worker of this.#workers.ids()) this.#ended(worker, "a test was over")?.stop();
    this.#work();
  }

  /** Has every thread give back memory that it does not need, for tests and for people. */
  async tidy(): Promise<void> {
    await this.#lending.tidy();
  }

  /** How many objects have a value or a failure, for tests. */
  get madeObjects(): number {
    return this.#objects.made - this.#handles;
  }

  /** Objects whose values lie in shared memory or on disk. */
  get storedObjects(): ObjectId[] {
    return [...this.#objects.stored()];
  }

  /** What a thread sent is not waited for any more. */
  #accept(client: ClientId, outcome: Outcome): void {
    if (isLarge(outcome)) this.#boards.accept(client, sharedBytes(outcome.value));
  }

  #announce(object: ObjectId, available: boolean): void {
    this.#requests.settled(object);
    this.#events.push({ type: available ? "available" : "unavailable", object });
  }

  /** The rows of the tasks that are not over, by id. */
  async #currentRows(): Promise<Map<string, TaskRow>> {
    const looks = this.#closed ? [] : this.#looks.all(this.#boards.clients);
    this.#outgoing.flush();
    const rows = new Map<string, TaskRow>();
    const isRunning = (id: string) => rows.get(id)?.state === "running";
    for (const { client, calls } of await looks) {
      for (const call of listedCalls(calls)) {
        const row = this.#log.rowOfListed(client, call);
        if (!isRunning(row.id)) rows.set(row.id, row);
      }
    }
    for (const { row } of this.#tasks.values()) rows.set(row.id, { ...row });
    for (const row of this.#boards.rows()) if (!isRunning(row.id)) rows.set(row.id, row);
    return rows;
  }

  #running(row: TaskRecord["row"], worker: WorkerId): void {
    if (row.startedAt !== null) {
      // The attempt before was cut off, or threw.
      this.#log.add({ row: { ...row, state: "failed", endedAt: row.endedAt ?? wallTime() }, only: "timeline" });
    }
    row.endedAt = null;
    row.state = "running";
    row.worker = formatWorkerId(worker);
    row.attempt += 1;
    row.startedAt = wallTime();
    this.#workers.count(worker, 1);
  }

  /** Goes on with a task's arguments once they are in memory. */
  #withArguments(worker: WorkerId, task: TaskId, go: (args: readonly StoredValue[]) => void): void {
    const record = this.#tasks.get(task)!;
    const { message } = record;
    const proceed = (reading: Reading): void => {
      if (this.#tasks.get(task) !== record || !this.#workers.has(worker)) {
        if ("values" in reading) this.#values.unread(worker, reading.values);
        return;
      }
      if ("values" in reading) {
        go(reading.values);
        return;
      }
      const { lost } = reading;
      if (lost !== undefined) {
        this.#lost([lost], reading.failure.message);
        if (message.type === "call") {
          this.#requests.once(lost, () => this.#withArguments(worker, task, go));
          return;
        }
      }
      // The task ends before it begins, or waits again.
      this.#events.push({ type: "finished", worker, task, milliseconds: 0 });
      const { pending, failure } = examineArguments(this.#objects, message.args);
      if (pending.length === 0 || failure !== undefined || message.type === "call") {
        this.#settle(task, { failure: failure ?? reading.failure });
        return;
      }
      const { code, demand, maxRetries } = message;
      this.#events.push({ type: "submit", task, code, demand, maxRetries, pending });
    };
    const reading = readArguments(this.#objects, this.#values, worker, message.args);
    if (reading instanceof Promise) void reading.then(proceed).then(() => this.#work());
    else proceed(reading);
  }

  #define(worker: WorkerId, code: CodeId): void {
    const definition = this.#codes.get(code);
    if (definition === undefined || !this.#workers.needs(worker, code)) return;
    this.#outgoing.push(worker, { type: "define", code, definition });
    for (const captured of codesIn(definition.values)) this.#define(worker, captured);
  }
}

/** Whether an actor is made anew when its thread ends. */
function mayRestart({ message: { maxRestarts, shared }, row: { restarts } }: ActorRecord): boolean {
  // A shared one is not charged for what others do.
  return maxRestarts !== 0 && (shared || maxRestarts < 0 || restarts < maxRestarts);
}
