import { ActorRunner } from "./actor-runner.js";
import { CallerLines } from "./caller-lines.js";
import type { WorkerCommand } from "./protocol.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { CodeId } from "./scheduler/events.js";

/** What a thread of actors is told about them. */
export type ActorCommand = WorkerCommand & { type: "call" | "caller" | "evict" | "skip" };

/** The actor that has this thread for itself. It takes calls from the rings when it can start them. */
export class LoneActor {
  readonly #runner: ActorRunner;
  readonly #lines: CallerLines;

  constructor(
    construct: WorkerCommand & { type: "construct" },
    options: RunnerOptions,
    load: (code: CodeId) => Promise<Loaded>,
  ) {
    this.#lines = new CallerLines(options.outbox);
    this.#runner = new ActorRunner(construct, options, load, this.#lines);
    options.client.onRing(() => this.#runner.work());
  }

  /** The thread stops. */
  halt(): void {
    this.#runner.halt();
  }

  receive(command: ActorCommand): void {
    if (command.type === "call") this.#runner.call(command);
    else if (command.type === "skip") this.#runner.skip(command);
    else if (command.type === "caller") {
      this.#lines.add(command);
      this.#runner.work();
    }
  }
}
