import type { TaskRow } from "../../control/index.js";
import { wallTime } from "../clock.js";
import { refsIn } from "../live.js";
import { formatObjectId } from "../object-ref.js";
import {
  type ClientMessage,
  type DownMessage,
  isWorkerMessage,
  type UpMessage,
  type Welcome,
  type WorkerMessage,
} from "../protocol.js";
import { giveAnswer } from "../questions.js";
import type { ActorId, ClientId, CodeId, Instruction, ObjectId, TaskId, WorkerId } from "../scheduler/events.js";
import { Inbox } from "./inbox.js";
import { createParts, type HostParts, type TaskHostOptions } from "./parts.js";
import { freed } from "./reasons.js";
import { summarize, type TaskSummary } from "./summary.js";
import { Threads } from "./threads.js";
import { timeline } from "./timeline.js";

/** The driver's connection. */
export interface Connection {
  readonly welcome: Welcome;
  receive(batch: readonly UpMessage[]): void;
}

/** The driver has this number; workers have theirs, from 1. */
const driver: ClientId = 0;

/**
 * The deciding half of an engine, on the node thread: knows workers, actors, the objects that more than one thread may refer
 * to, and the tasks that ask for more than a CPU or need such an object; asks the scheduler what to do and does it. What
 * goes by boards and rings it only makes possible: it introduces threads to each other and says who may claim. Runs no
 * user code.
 *
 * Here stands who hears of which message, and who carries out which instruction; how, stands with the parts.
 */
export class TaskHost {
  readonly #options: TaskHostOptions;
  readonly #parts: HostParts;
  readonly #inbox: Inbox;
  readonly #threads: Threads;
  readonly #since = wallTime();

  constructor(options: TaskHostOptions) {
    this.#options = options;
    this.#parts = createParts(options, (instruction) => this.#carryOut(instruction));
    const { actors, boards, definitions } = this.#parts;
    const known = {
      code: (code: CodeId) => definitions.has(code),
      actor: (actor: ActorId) => actors.has(actor),
      thread: (client: ClientId) => boards.has(client),
    };
    this.#inbox = new Inbox(known, (client, message) => {
      if (isWorkerMessage(message)) this.#takeFromWorker(client, message);
      else this.#takeFromClient(client, message);
    });
    this.#threads = new Threads({
      ...this.#parts,
      supervisor: options.supervisor,
      inbox: this.#inbox,
      receive: (worker, batch) => this.#receive(worker, batch),
    });
  }

  /** Connects the driver; `send` carries batches to it. With `boards`, it may put calls up for workers to take. */
  connect(send: (batch: readonly DownMessage[]) => void, { boards }: { boards: boolean }): Connection {
    this.#parts.outgoing.connect(driver, send);
    const words = this.#parts.boards.addClient(driver);
    return {
      welcome: { client: driver, place: this.#options.place, total: this.#options.total, ...(boards && { words }) },
      receive: (batch) => this.#receive(driver, batch),
    };
  }

  /** What is not done yet, for tests and for people: all zero once everything was released and every actor ended. */
  load() {
    const { scheduler, objects, actors, lending, lineage, requests, boards, lines, resources } = this.#parts;
    return {
      ...scheduler.load,
      objects: objects.size - actors.handled,
      loans: lending.size,
      lineage: lineage.size,
      requests: requests.size,
      calls: boards.calls,
      lines: lines.size,
      free: resources.free(),
    };
  }

  /** Whether no worker runs a call from a board. */
  get isAtRest(): boolean {
    return this.#parts.boards.isAtRest;
  }

  /** Writes the state tables' rows that are still under way. */
  async flush(): Promise<void> {
    const { boards, workers, resources, rows } = this.#parts;
    for (const [worker, busy] of boards.busyWorkers()) workers.claims(worker, busy);
    for (const row of resources.rows()) rows.changed("resources", row);
    await rows.flush();
  }

  /** How many tasks there are of each name, by state. */
  async summarize(): Promise<TaskSummary[]> {
    const current = await this.#currentRows();
    return await summarize(this.#parts.log.snapshot()(), current);
  }

  /** The session's timeline until now, as text in the Trace Event Format. */
  async *timeline(): AsyncGenerator<string> {
    const workers = (await this.#options.control?.list("workers")) ?? [];
    const current = [...(await this.#currentRows())];
    const entries = this.#parts.log.snapshot();
    yield* timeline({ entries, current, workers, node: this.#options.place.node, since: this.#since, now: wallTime() });
  }

  async #currentRows(): Promise<Iterable<TaskRow>> {
    const { current, turn } = this.#parts;
    return (await current.rows({ asks: !turn.isOver })).values();
  }

  /** Ends all workers and forgets all objects. */
  async close(): Promise<void> {
    const { turn, actors, workers, objects, rows } = this.#parts;
    if (turn.isOver) return;
    turn.end();
    workers.removeAll("the session was closed");
    actors.close();
    await this.#options.supervisor.close();
    objects.clear();
    await rows.flush();
  }

  /** Loses the values of these objects, as a disk may: what tests do. */
  lose(objects: readonly ObjectId[]): void {
    this.#parts.submitting.lost(objects, "it was taken away");
    this.#parts.turn.work();
  }

  /** Ends every worker; what is there then, only the driver holds. For tests. */
  endWorkers(): void {
    for (const worker of this.#parts.workers.ids()) this.#threads.stop(worker, "a test was over");
    this.#parts.turn.work();
  }

  /** Has every thread give back memory that it does not need, for tests and for people. */
  async tidy(): Promise<void> {
    await this.#parts.lending.tidy();
  }

  /** How many objects have a value or a failure, for tests. */
  get madeObjects(): number {
    return this.#parts.objects.made - this.#parts.actors.handled;
  }

  /** Objects whose values lie in shared memory or on disk. */
  get storedObjects(): ObjectId[] {
    return [...this.#parts.objects.stored()];
  }

  #receive(client: ClientId, batch: readonly UpMessage[]): void {
    const { turn } = this.#parts;
    if (turn.isOver) return;
    this.#inbox.receive(client, batch);
    turn.work();
  }

  #takeFromClient(client: ClientId, message: ClientMessage): void {
    const { turn, actors, boards, cancelling, current, definitions, lending, lineage, log } = this.#parts;
    const { objects, outcomes, outgoing, requests, resources, returns, submitting } = this.#parts;
    switch (message.type) {
      case "define": {
        const { code, definition } = message;
        definitions.add(code, definition);
        objects.pin(refsIn(definition.values));
        outcomes.discard(client, { value: definition.values });
        return;
      }
      case "submit":
      case "call":
        submitting.submit(client, message);
        return;
      case "cancel":
        cancelling.cancel(message, client);
        return;
      case "took": {
        const maker = returns.took(message.task, message.count);
        if (maker === undefined) return;
        outgoing.push(maker.worker, { type: "demand", task: message.task, limit: maker.limit });
        return;
      }
      case "create":
        actors.create(client, message);
        return;
      case "placed":
        actors.place(client, message);
        return;
      case "meet":
        actors.meet(client, message.actor);
        return;
      case "ask":
        giveAnswer(message.answer, actors.answer(client, message.question));
        return;
      case "kill":
        turn.note({ type: "kill", actor: message.actor, restart: message.restart });
        return;
      case "board":
        boards.addBoard(client, message.memory);
        turn.note({ type: "board" });
        return;
      case "callee":
        boards.addCallee(client, message);
        return;
      case "put":
        objects.expect(message.object, client);
        outcomes.settle(message.object, { value: message.value }, "put()", client);
        return;
      case "share":
        objects.expect(message.object, client);
        if (message.outcome !== undefined) outcomes.settle(message.object, message.outcome);
        return;
      case "lineage":
        objects.expect(message.call.task, client);
        lineage.keep(message.call);
        return;
      case "hold":
        objects.hold(client, message.objects);
        return;
      case "holdActor":
        if (!actors.has(message.actor)) this.#expectHeld([message.actor]);
        objects.hold(client, [message.actor]);
        return;
      case "release":
        objects.release(client, message.objects);
        return;
      case "free":
        lending.freed(new Set(message.objects));
        for (const object of message.objects) outcomes.drop(object, freed(formatObjectId(object)));
        return;
      case "get":
        if (message.areHeld) this.#expectHeld(message.objects);
        requests.get(client, message.request, message.objects);
        if (message.stops) for (const task of message.objects.toReversed()) turn.note({ type: "hurry", task });
        return;
      case "wait":
        requests.wait(client, message.request, message.objects, message.count);
        return;
      case "settle":
        requests.settle(client, message.request);
        return;
      case "forget":
        requests.forget(client, message.request);
        return;
      case "giveBack":
        lending.giveBack(client, message.loans);
        return;
      case "usesSpare":
        lending.usesSpare(client, message.spare);
        return;
      case "collected":
        lending.collected(client, message.round);
        return;
      case "unrun":
        log.unrun(message);
        return;
      case "unanswered":
        log.annul(message.task, message.attempt);
        return;
      case "looked":
        current.answer(client, message.request, message.calls);
        return;
      case "nodes": {
        const nodes = [resources.info(!turn.isOver)];
        outgoing.push(client, { type: "nodes", request: message.request, nodes });
        return;
      }
    }
  }

  #takeFromWorker(worker: WorkerId, message: WorkerMessage): void {
    const { turn, actors, boards, lines, log, outcomes, workers } = this.#parts;
    // Of one that was struck off, what it ran runs again; but whoever put a call up may have read that its result is here.
    if (!workers.has(worker) && message.type !== "deposit") return;
    switch (message.type) {
      case "started":
        workers.started(worker);
        turn.note({ type: "started", worker });
        return;
      case "done": {
        const { task, milliseconds, outcome, more = [] } = message;
        workers.count(worker, -1);
        turn.note({ type: "finished", worker, task, milliseconds });
        outcomes.done(worker, task, [outcome, ...more]);
        return;
      }
      case "item":
        outcomes.item(worker, message);
        return;
      case "deposit":
        outcomes.deposit(worker, message);
        return;
      case "returned":
        this.#returned(worker, message.tasks);
        return;
      case "blocked":
      case "resumed":
      case "stopped":
      case "wentOn":
        turn.note({ type: message.type, worker, task: message.task });
        return;
      case "constructed":
        actors.constructed(message.actor, message.failure);
        return;
      case "evicted": {
        const { began, open } = lines.close(worker, message.actor);
        for (let i = 0; i < open; i++) workers.count(worker, -1);
        turn.note({ type: "evicted", actor: message.actor, began });
        return;
      }
      case "exit":
        turn.note({ type: "kill", actor: message.actor, reason: "exited" });
        return;
      case "learn":
        boards.learn(worker, message.owner, message.callee);
        return;
      case "parked":
        if (boards.parked(worker, message.permit)) turn.note({ type: "parked", worker });
        return;
      case "taken":
        boards.wakeIdle();
        return;
      case "fault":
        log.fault(worker, message);
        return;
      case "journal":
        log.turn(worker, message.chunk);
        return;
    }
  }

  /** What makes these objects known may come later, from another thread. */
  #expectHeld(ids: readonly ObjectId[]): void {
    const { boards, objects } = this.#parts;
    for (const object of ids) {
      const owner = Math.floor(object / 2 ** 32);
      if (boards.has(owner)) objects.expect(object, owner);
    }
  }

  /** Tasks that did not begin, as their thread stands still. */
  #returned(worker: WorkerId, returned: readonly TaskId[]): void {
    const { tasks, turn, workers } = this.#parts;
    for (const task of returned.toReversed()) {
      workers.count(worker, -1);
      turn.note({ type: "returned", worker, task });
      tasks.takeBack(task);
    }
  }

  #carryOut(instruction: Instruction): void {
    const { turn, actors, boards, dispatch, outcomes, outgoing, tasks, workers } = this.#parts;
    const threads = this.#threads;
    switch (instruction.type) {
      case "start":
        threads.start(instruction.worker, instruction.actor, instruction.actor === undefined);
        return;
      case "host":
        threads.start(instruction.worker, undefined, false);
        return;
      case "stop":
        // On purpose: who else was on that thread is not to blame.
        threads.stop(instruction.worker, "it was stopped", true);
        return;
      case "terminate":
        workers.terminate(instruction.worker, "it was killed");
        return;
      case "run":
        dispatch.run(instruction);
        return;
      case "call":
        dispatch.call(instruction);
        return;
      case "construct":
        dispatch.construct(instruction);
        return;
      case "cancel": {
        const { worker, task, recursive } = instruction;
        const message = tasks.get(task)?.message;
        const actor = message?.type === "call" ? message.actor : undefined;
        outgoing.push(worker, { type: "cancel", task, recursive, actor });
        return;
      }
      case "evict":
        threads.evict(instruction);
        return;
      case "permit":
        if (boards.permit(instruction.worker, instruction.milliseconds)) return;
        turn.note({ type: "parked", worker: instruction.worker });
        return;
      case "revoke":
        if (boards.revoke(instruction.worker)) turn.note({ type: "parked", worker: instruction.worker });
        return;
      case "stranded":
        boards.strand(workers.deathOf());
        return;
      case "fail":
        outcomes.fail(instruction);
        return;
      case "restarting":
        actors.restarting(instruction);
        return;
      case "dead":
        actors.buried(instruction);
        return;
    }
  }
}
