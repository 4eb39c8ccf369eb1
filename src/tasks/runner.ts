import { createRequire } from "node:module";
import type * as ActorHosts from "./actor-hosts.js";
import type { TaskClient } from "./client.js";
import type { Definition } from "./closures/definition.js";
import { cancelled } from "./host/reasons.js";
import { codesIn } from "./live.js";
import type { LoneActor } from "./lone-actor.js";
import type { Outbox } from "./outbox.js";
import type { WorkerCommand, WorkerMessage } from "./protocol.js";
import { type Gate, type Run, ScheduledTask } from "./scheduled-task.js";
import type { CodeId, TaskId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";
import type { SharedHost } from "./shared-host.js";

/** Code that was shipped, ready to be called. */
export type Loaded = (...args: unknown[]) => unknown;

export interface RunnerOptions {
  readonly outbox: Outbox<WorkerMessage>;
  /** Unpacks arguments and packs results: references in them belong to it. */
  readonly client: TaskClient;
  /** This thread's words, where it has some of its own. */
  readonly words?: SharedArrayBuffer | undefined;
  /** Makes a shipped function callable. */
  load(code: CodeId, definition: Definition): Promise<Loaded> | Loaded;
  /**
   * What else runs on this thread: it is told while a task that waited takes the thread again, and when a task stops the
   * thread and goes on.
   */
  readonly others?: () => ThreadMate | undefined;
}

/** What a thread does besides the tasks of a runner. */
export interface ThreadMate {
  occupy(): void;
  vacate(): void;
  stopped(task: TaskId): void;
  wentOn(task: TaskId): void;
}

const require = createRequire(import.meta.url);

/** Results of short tasks wait for each other at most this long. */
const flushMilliseconds = 1;

/** The running half of an engine, in each worker: runs tasks one after the other, or actors. */
export class TaskRunner {
  readonly #options: RunnerOptions;
  readonly #definitions = new Map<CodeId, Definition>();
  readonly #loading = new Map<CodeId, Promise<Loaded>>();
  readonly #loaded = new Map<CodeId, Loaded>();
  readonly #queue = new Queue<Run>();
  readonly #running = new Map<TaskId, ScheduledTask>();
  /** How many tasks stop this thread, on top of each other. */
  #stops = 0;
  readonly #gate: Gate = {
    enter: () => {
      this.#active += 1;
    },
    leave: () => {
      this.#active -= 1;
    },
    next: () => this.#next(),
    ended: (task) => this.#running.delete(task),
    stopped: (task) => {
      const mate = this.#options.others?.();
      if (mate !== undefined) return mate.stopped(task);
      this.stopped();
      this.#options.outbox.push({ type: "stopped", task });
      this.#options.outbox.flush();
    },
    wentOn: (task) => {
      const mate = this.#options.others?.();
      if (mate !== undefined) return mate.wentOn(task);
      this.wentOn();
      this.#options.outbox.push({ type: "wentOn", task });
    },
  };
  #actors: LoneActor | SharedHost | undefined;
  /** Tasks that neither ended nor wait for an object. */
  #active = 0;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Takes a batch of commands; starts what can start now. */
  receive(commands: Iterable<WorkerCommand>): void {
    const { client } = this.#options;
    for (const command of commands) {
      if ("args" in command) client.take(command.args);
      if (command.type === "define") this.#definitions.set(command.code, command.definition);
      else if (command.type === "run") this.#queue.push(command);
      else if (command.type === "construct") this.#admit(command);
      else if (command.type === "cancel") this.#cancel(command);
      else if (command.type === "demand") {
        this.#running.get(command.task)?.raise(command.limit);
        this.#actors?.raise(command.task, command.limit);
      } else if (
        command.type === "call" ||
        command.type === "caller" ||
        command.type === "callerEnded" ||
        command.type === "evict" ||
        command.type === "skip"
      ) {
        this.#actors?.receive(command);
      }
    }
    if (this.#stops > 0) this.#giveBack();
    else this.#next();
  }

  /** A task stops this thread: what did not begin goes back. */
  stopped(): void {
    this.#stops += 1;
    this.#giveBack();
  }

  wentOn(): void {
    this.#stops -= 1;
  }

  #giveBack(): void {
    const tasks: TaskId[] = [];
    for (let run = this.#queue.shift(); run !== undefined; run = this.#queue.shift()) tasks.push(run.task);
    if (tasks.length > 0) this.#options.outbox.push({ type: "returned", tasks });
  }

  /** Begins no more calls of actors, and says nothing more of those that go on. */
  halt(): void {
    this.#actors?.halt();
  }

  #admit(construct: WorkerCommand & { type: "construct" }): void {
    const load = (code: CodeId) => this.load(code);
    // Threads that run tasks start sooner without them.
    const { LoneActor, SharedHost } = require("./actor-hosts.js") as typeof ActorHosts;
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
    const task = new ScheduledTask(run, this.#options, this.#gate);
    this.#running.set(run.task, task);
    return task.start(this.load(run.code));
  }

  #cancel({ task, recursive, actor }: WorkerCommand & { type: "cancel" }): void {
    if (actor !== undefined) this.#actors?.cancel(actor, task, recursive);
    const running = this.#running.get(task);
    if (running !== undefined) {
      running.cancel(recursive);
      return;
    }
    for (const run of this.#queue) {
      if (run.task !== task) continue;
      this.#queue.remove(run);
      const outcome = { failure: cancelled(run.name) };
      this.#options.outbox.push({ type: "done", task, outcome, milliseconds: 0 });
      return;
    }
  }

  /** The code, if it is ready to be called. */
  loadedOf(code: CodeId): Loaded | undefined {
    return this.#loaded.get(code);
  }

  /**
   * Makes code callable whose definition has come, together with the remote functions that it captured: a task that stops
   * its thread to wait for one of those can then run it in place.
   */
  load(code: CodeId): Promise<Loaded> | Loaded {
    const known = this.#loaded.get(code);
    if (known !== undefined) return known;
    const first = this.#loadAlone(code);
    if (typeof first === "function") return first;
    const others = this.#capturedBy(code).filter((other) => !this.#loaded.has(other));
    if (others.length === 0) return first;
    // Whether they could be loaded is told to whoever calls them.
    return Promise.allSettled(others.map((other) => this.#loadAlone(other))).then(() => first);
  }

  #loadAlone(code: CodeId): Promise<Loaded> | Loaded {
    const known = this.#loading.get(code);
    if (known !== undefined) return known;
    const loading = this.#options.load(code, this.#definitions.get(code)!);
    if (typeof loading === "function") {
      this.#loaded.set(code, loading);
      return loading;
    }
    this.#loading.set(code, loading);
    loading.then(
      (loaded) => this.#loaded.set(code, loaded),
      () => this.#loading.delete(code),
    );
    return loading;
  }

  /** The remote functions and classes that code captured, and those that they did, as far as their definitions came. */
  #capturedBy(code: CodeId): CodeId[] {
    const found = new Set([code]);
    for (const next of found) {
      for (const captured of codesIn(this.#definitions.get(next)!.values)) {
        if (this.#definitions.has(captured)) found.add(captured);
      }
    }
    found.delete(code);
    return [...found];
  }
}
