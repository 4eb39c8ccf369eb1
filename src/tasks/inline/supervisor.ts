import type { Supervisor, WorkerEvents, WorkerLink } from "../host/supervisor.js";
import { Outbox } from "../outbox.js";
import type { DownMessage, UpMessage, WorkerCommand } from "../protocol.js";
import type { RunnerOptions } from "../runner.js";
import { TaskRunner } from "../runner.js";

/** "Workers" that are runners on this thread. They take turns on the microtask queue, and none ever dies. */
export class InlineSupervisor implements Supervisor {
  readonly #options: () => Omit<RunnerOptions, "outbox">;
  #closed = false;

  /** `options` is asked when the first worker starts: the client is made after the supervisor. */
  constructor(options: () => Omit<RunnerOptions, "outbox">) {
    this.#options = options;
  }

  start(_worker: number, _claims: boolean, _words: SharedArrayBuffer, events: WorkerEvents): WorkerLink {
    let stopped = false;
    const isOpen = () => !stopped && !this.#closed;
    const outbox = new Outbox<UpMessage>((batch) => {
      if (isOpen()) events.receive(batch);
    });
    const end = () => {
      outbox.flush();
      if (stopped) return;
      stopped = true;
      if (!this.#closed) events.died("it was stopped");
    };
    const runner = new TaskRunner({ ...this.#options(), outbox: outbox as RunnerOptions["outbox"] });
    outbox.push({ type: "started" });
    return {
      send: (batch: readonly DownMessage[]) => {
        queueMicrotask(() => {
          if (isOpen()) runner.receive(batch as readonly WorkerCommand[]);
        });
      },
      // As with a thread: what it has said arrives before its end does.
      stop: () => {
        runner.halt();
        queueMicrotask(end);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}
