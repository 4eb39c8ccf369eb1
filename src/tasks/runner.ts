import type { StoredValue } from "../store/value.js";
import type { TaskClient } from "./client.js";
import type { Definition } from "./closures/definition.js";
import { type RunningTask, runAs } from "./context.js";
import { taskFailure } from "./failure.js";
import { LoneActor } from "./lone-actor.js";
import type { Outbox } from "./outbox.js";
import { isThenable, packOutcome } from "./outcome.js";
import type { Outcome, WorkerCommand, WorkerMessage } from "./protocol.js";
import type { CodeId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";
import { SharedHost } from "./shared-host.js";

/** Code that was shipped, ready to be called. */
export type Loaded = (...args: unknown[]) => unknown;

export interface RunnerOptions {
  readonly outbox: Outbox<WorkerMessage>;
  /** Unpacks arguments and packs results: references in them belong to it. */
  readonly client: TaskClient;
  /** This thread's words, where it has some of its own. */
  readonly words?: SharedArrayBuffer | undefined;
  /** Makes a shipped function callable. */
  load(code: CodeId, definition: Definition): Promise<Loaded>;
  /** What else runs on this thread: it is told while a task that waited takes the thread again. */
  readonly others?: { occupy(): void; vacate(): void };
}

type Run = WorkerCommand & { type: "run" };

/** Results of short tasks wait for each other at most this long. */
const flushMilliseconds = 1;

/** The running half of an engine, in each worker: runs tasks one after the other, or actors. */
export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #definitions = new Map<CodeId, Definition>();
  readonly #loading = new Map<CodeId, Promise<Loaded>>();
  readonly #loaded = new Map<CodeId, Loaded>();
  readonly #queue = new Queue<Run>();
  #actors: LoneActor | SharedHost | undefined;
  /** Tasks that neither ended nor wait for an object. */
  #active = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Takes a batch of commands; starts what can start now. */
  receive(commands: Iterable<WorkerCommand>): void {
    for (const command of commands) {
      if (command.type === "define") this.#definitions.set(command.code, command.definition);
      else if (command.type === "run") this.#queue.push(command);
      else if (command.type === "construct") this.#admit(command);
      else if (
        command.type === "call" ||
        command.type === "caller" ||
        command.type === "evict" ||
        command.type === "skip"
      ) {
        this.#actors?.receive(command);
      }
    }
    this.#next();
  }

  /** Begins no more calls of actors, and says nothing more of those that go on. */
  halt(): void {
    this.#actors?.halt();
  }

  #admit(construct: WorkerCommand & { type: "construct" }): void {
    const load = (code: CodeId) => this.load(code);
    if (!construct.shared) this.#actors = new LoneActor(construct, this.#options, load);
    else {
      this.#actors ??= new SharedHost(this.#options, load);
      (this.#actors as SharedHost).admit(construct);
    }
  }

  #next(): void {
    let flushed = performance.now();
    while (this.#active === 0) {
      const run = this.#queue.shift();
      if (run === undefined) return;
      const ended = this.#start(run);
      if (ended - flushed < flushMilliseconds) continue;
      this.#options.outbox.flush();
      flushed = ended;
    }
  }

  /** Returns when the task's synchronous part ended. */
  #start(run: Run): number {
    this.#active += 1;
    const { outbox } = this.#options;
    const begin = performance.now();
    let waits = 0;
    let done = false;
    let occupies = false;
    const vacate = () => {
      if (occupies) this.#options.others?.vacate();
      occupies = false;
    };
    const running: RunningTask = {
      task: run.task,
      name: run.name,
      gpuIds: run.gpuIds,
      blocked: () => {
        if (waits++ > 0 || done) return;
        this.#active -= 1;
        vacate();
        outbox.push({ type: "blocked", task: run.task });
        queueMicrotask(() => this.#next());
      },
      resumed: () => {
        if (--waits > 0 || done) return;
        this.#active += 1;
        occupies = true;
        this.#options.others?.occupy();
        outbox.push({ type: "resumed", task: run.task });
      },
    };
    const end = (outcome: Outcome): number => {
      done = true;
      vacate();
      if (waits === 0) this.#active -= 1;
      const now = performance.now();
      outbox.push({ type: "done", task: run.task, outcome, milliseconds: now - begin });
      return now;
    };
    const body = (loaded: Loaded) => runAs(running, () => this.#callWith(loaded, run.args));
    const succeed = (result: unknown) => end(packOutcome(result, run, this.#options.client));
    const fail = (reason: unknown) => end({ failure: taskFailure(run.name, reason) });
    const later = (promise: PromiseLike<unknown>) => {
      promise.then(succeed, fail).then(() => this.#next());
      return performance.now();
    };
    const loaded = this.#loaded.get(run.code);
    if (loaded === undefined) return later(this.load(run.code).then(body));
    try {
      const result = body(loaded);
      return isThenable(result) ? later(result) : succeed(result);
    } catch (reason) {
      return fail(reason);
    }
  }

  #callWith(loaded: Loaded, args: readonly StoredValue[]): unknown {
    const { client } = this.#options;
    return loaded(...args.map((argument) => client.unpack(argument)));
  }

  /** Makes code callable whose definition has come. */
  load(code: CodeId): Promise<Loaded> {
    let loading = this.#loading.get(code);
    if (loading === undefined) {
      loading = this.#options.load(code, this.#definitions.get(code)!);
      this.#loading.set(code, loading);
      loading.then(
        (loaded) => this.#loaded.set(code, loaded),
        () => this.#loading.delete(code),
      );
    }
    return loading;
  }
}
