import type { Supervisor, WorkerEvents, WorkerLink } from "../host/supervisor.js";
import { Outbox } from "../outbox.js";
import type { DownMessage, UpMessage, WorkerCommand } from "../protocol.js";
import { type RunnerOptions, TaskRunner } from "../runner.js";
import type { InlineCodec } from "./codec.js";

type Options = Omit<RunnerOptions, "outbox"> & { readonly codec: InlineCodec };

/** "Workers" that are runners on this thread. They take turns on the microtask queue, and none ever dies. */
export class InlineSupervisor implements Supervisor {
  readonly #options: () => Options;
  /** What was sent and not taken yet, oldest first. */
  readonly #deliveries: { readonly runner: TaskRunner; readonly take: () => void }[] = [];
  /** Those of the workers that run. */
  readonly #outboxes = new Set<Outbox<UpMessage>>();
  #closed = false;

  /** `options` is asked when the first worker starts: the client is made after the supervisor. */
  constructor(options: () => Options) {
    this.#options = options;
  }

  start(_worker: number, _claims: boolean, _words: SharedArrayBuffer, events: WorkerEvents): WorkerLink {
    let stopped = false;
    const isOpen = () => !stopped && !this.#closed;
    const { codec, ...options } = this.#options();
    const outbox = new CheckedOutbox(codec, (batch) => {
      if (isOpen()) events.receive(batch);
    });
    const end = () => {
      outbox.flush();
      if (stopped) return;
      stopped = true;
      this.#outboxes.delete(outbox);
      if (!this.#closed) events.died("it was stopped");
    };
    const runner = new TaskRunner({ ...options, outbox: outbox as RunnerOptions["outbox"] });
    this.#outboxes.add(outbox);
    outbox.push({ type: "started" });
    return {
      send: (batch: readonly DownMessage[]) => {
        const take = () => {
          if (isOpen()) runner.receive(batch as readonly WorkerCommand[]);
        };
        this.#deliveries.push({ runner, take });
        queueMicrotask(() => this.#deliveries.shift()?.take());
      },
      // As with a thread: what it has said arrives before its end does.
      stop: () => {
        runner.halt();
        queueMicrotask(end);
      },
    };
  }

  /**
   * Delivers now something that is under way, in either direction; returns whether anything was. The worker comes first
   * that was sent something last: it has the newest task, so that a tree of tasks that wait is walked depth first.
   */
  deliver(): boolean {
    const full = [...this.#outboxes].filter(({ isEmpty }) => !isEmpty);
    for (const outbox of full) outbox.flush();
    // Before anything else begins, whoever waits looks whether this was it.
    if (full.length > 0) return true;
    const newest = this.#deliveries.at(-1)?.runner;
    if (newest === undefined) return false;
    const [delivery] = this.#deliveries.splice(
      this.#deliveries.findIndex(({ runner }) => runner === newest),
      1,
    );
    delivery!.take();
    return true;
  }

  async close(): Promise<void> {
    this.#closed = true;
  }
}

/** What a "worker" says, where a task that ended was looked at. */
class CheckedOutbox extends Outbox<UpMessage> {
  readonly #codec: InlineCodec;

  constructor(codec: InlineCodec, send: (batch: readonly UpMessage[]) => void) {
    super(send);
    this.#codec = codec;
  }

  override push(message: UpMessage): void {
    super.push(message.type === "done" ? this.#checked(message) : message);
  }

  #checked(message: UpMessage & { type: "done" }): UpMessage {
    const outcome = this.#codec.check(message.task, message.outcome);
    if (outcome === message.outcome) return message;
    return { ...message, outcome, ...(message.more && { more: message.more.map(() => outcome) }) };
  }
}
