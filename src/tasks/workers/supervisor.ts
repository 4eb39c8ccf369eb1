import { MessageChannel, type ResourceLimits, Worker } from "node:worker_threads";
import { type Bus, createBus } from "../../control/index.js";
import { describeThrown } from "../failure.js";
import type { Supervisor, WorkerEvents, WorkerLink } from "../host/supervisor.js";
import { countsBytes, type OutputChannel } from "../logs/worker-output.js";
import { busMethods, type DownMessage, type UpMessage, type Welcome } from "../protocol.js";
import type { WorkerId } from "../scheduler/events.js";
import { loudly } from "./bus-client.js";

export interface ThreadOptions {
  /** Called with the bus of each new worker, in the turn in which it is made: other rooms serve their methods on it. */
  onWorkerBus?: (bus: Bus, worker: WorkerId) => void;
  /** Called with where each new worker's output comes from. Without it, the output is this thread's. */
  onOutput?: (worker: WorkerId, output: OutputChannel) => void;
  /** Limits of each worker's heap. */
  resourceLimits?: ResourceLimits;
}

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly welcome: Welcome;
  /** Whether it runs calls from boards. */
  readonly claims: boolean;
  /** Where its output goes. */
  readonly output: OutputChannel | undefined;
}

/** Worker threads, started from this thread. It must not run user code: then it sees at once how each of them ends. */
export class ThreadSupervisor implements Supervisor {
  readonly #welcome: Pick<Welcome, "place" | "total">;
  readonly #options: ThreadOptions;
  readonly #threads = new Set<Worker>();

  constructor(welcome: Pick<Welcome, "place" | "total">, options: ThreadOptions) {
    this.#welcome = welcome;
    this.#options = options;
  }

  start(worker: WorkerId, claims: boolean, words: SharedArrayBuffer, events: WorkerEvents): WorkerLink {
    const { onWorkerBus, onOutput, resourceLimits } = this.#options;
    const { port1, port2 } = new MessageChannel();
    const counts = new SharedArrayBuffer(countsBytes);
    const output = onOutput === undefined ? undefined : { port: port1, counts };
    const start: WorkerStart = { welcome: { ...this.#welcome, client: worker, words }, claims, output };
    const thread = new Worker(new URL("./worker-entry.js", import.meta.url), {
      workerData: start,
      transferList: output === undefined ? [] : [port1],
      ...(resourceLimits && { resourceLimits }),
    });
    onOutput?.(worker, { port: port2, counts });
    this.#threads.add(thread);
    let reason: string | undefined;
    thread.once("error", (error) => {
      reason = describeEnd(error);
    });
    thread.once("exit", (code) => {
      this.#threads.delete(thread);
      events.died(reason ?? `it called process.exit(${code})`);
    });
    const bus = createBus(thread, { keepAlive: true });
    bus.serve({ [busMethods.batch]: loudly((batch: readonly UpMessage[]) => events.receive(batch)) });
    onWorkerBus?.(bus, worker);
    return {
      send: (batch: readonly DownMessage[]) => bus.notify(busMethods.batch, batch),
      stop: () => void thread.terminate(),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
  }
}

function describeEnd(error: unknown): string {
  const { name, message, stack } = describeThrown(error);
  if ((error as { code?: unknown })?.code === "ERR_WORKER_OUT_OF_MEMORY") return "its heap was full";
  const where = stack.split("\n").find((line) => line.trim().startsWith("at "));
  return `of an error that nothing caught: ${name}: ${message}${where === undefined ? "" : ` (${where.trim()})`}`;
}
