import { ActorRunner } from "./actor-runner.js";
import { CallerLines } from "./caller-lines.js";
import type { WorkerCommand } from "./protocol.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { ActorId, CodeId, TaskId } from "./scheduler/events.js";

/** What a thread of actors is told about them. */
export type ActorCommand = WorkerCommand & { type: "call" | "caller" | "callerEnded" | "evict" | "skip" };

/** The actor that has this thread for itself. It takes calls from the rings when it can start them. */
export class LoneActor {
  readonly #runner: ActorRunner;
  readonly #lines: CallerLines;

  constructor(
    construct: WorkerCommand & { type: "construct" },
    options: RunnerOptions,
    load: (code: CodeId) => Promise<Loaded> | Loaded,
  ) {
    this.#lines = new CallerLines(options.outbox);
    this.#runner = new ActorRunner(construct, options, load, this.#lines);
    options.client.onRing(() => this.#runner.work());
  }

  /** The thread stops. */
  halt(): void {
    this.#runner.halt();
  }

  /** Nobody wants the outcome of a call. */
  cancel(_actor: ActorId, task: TaskId, recursive: boolean): void {
    this.#runner.cancel(task, recursive);
  }

  /** Of a stream that a call makes: items before this one may be made. */
  raise(task: TaskId, limit: number): void {
    this.#runner.raise(task, limit);
  }

  receive(command: ActorCommand): void {
    if (command.type === "call") this.#runner.call(command);
    else if (command.type === "skip") this.#runner.skip(command);
    else if (command.type === "caller") {
      this.#lines.add(command);
      this.#runner.work();
    } else if (command.type === "callerEnded") this.#lines.end(command.caller);
  }
}
