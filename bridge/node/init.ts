import { Worker } from "node:worker_threads";
import { type Bus, createBus, createMemoryControlStore, methodsOf } from "../../src/control/index.js";
import { RayflightError } from "../../src/error.js";
import {
  type Backend,
  createInlineBackend,
  createWorkersBackend,
  hasContext,
  type InlineBackend,
  setContext,
} from "../../src/tasks/index.js";
import type { NodeMethods } from "./methods.js";
import { fillOptions, type InitOptions, type NodeOptions } from "./options.js";

/** A node that runs in this process. */
export interface Node extends AsyncDisposable {
  /** Where its Flight endpoint listens, such as `grpc://127.0.0.1:8815`. */
  readonly uri: string;
  /**
   * Ends the session: lets Flight calls in flight finish for `graceMs` (10 s by default), then ends tasks and actors and
   * releases the store. May be called twice.
   */
  close(options?: { graceMs?: number }): Promise<void>;
  /** Resolves once the node has ended: with undefined after `close`, else with what ended it. */
  readonly closed: Promise<RayflightError | undefined>;
}

let currentNode: Node | undefined;
let starting = false;

/**
 * Starts a node on a thread of its own and makes it this thread's session.
 *
 * Rejects FAILED_PRECONDITION when there is one already, INVALID_ARGUMENT for options that make no sense, and UNAVAILABLE
 * when the endpoint cannot listen. The process stays alive while something is awaited, and no longer: `close` is not
 * needed for it to end.
 */
export async function init(options: InitOptions = {}): Promise<Node> {
  if (starting || hasContext()) {
    throw new RayflightError("FAILED_PRECONDITION", "This thread has a session already.", {
      hint: "Use it, or end it first with `await ray.shutdown()`.",
    });
  }
  starting = true;
  try {
    currentNode = await startNode(fillOptions(options));
    return currentNode;
  } finally {
    starting = false;
  }
}

/** Ends this thread's session; does nothing when there is none. */
export async function shutdown(): Promise<void> {
  await currentNode?.close();
}

async function startNode(options: NodeOptions): Promise<Node> {
  const thread = new Worker(new URL("../node-thread.js", import.meta.url), { workerData: options, name: "node" });
  let fault: RayflightError | undefined;
  thread.once("error", (cause) => {
    fault = RayflightError.from(cause);
  });
  const exited = new Promise<void>((resolve) => thread.once("exit", () => resolve()));
  const bus = createBus(thread, { keepAlive: options.keepAlive });
  try {
    const { uri } = await methodsOf<NodeMethods>(bus).call("node.listen", null);
    const backend = options.debug
      ? startInline(options)
      : await createWorkersBackend(bus, {
          logs: { print: options.logToDriver, fold: options.foldLogs, directory: options.logDirectory },
        });
    setContext({ backend, bus });
    return new LocalNode(
      uri,
      thread,
      bus,
      backend,
      exited.then(() => fault),
    );
  } catch (reason) {
    await thread.terminate();
    throw fault ?? reason;
  }
}

/** Tasks on this thread, which keeps their rows in its memory. */
function startInline({ numCpus: cpus, numGpus: gpus, namespace, resources }: NodeOptions): InlineBackend {
  const control = createMemoryControlStore({ refresh: () => backend.host.flush() });
  const backend: InlineBackend = createInlineBackend({ cpus, gpus, namespace, resources, control });
  return backend;
}

class LocalNode implements Node {
  readonly uri: string;
  readonly closed: Promise<RayflightError | undefined>;
  readonly #thread: Worker;
  readonly #bus: Bus;
  readonly #backend: Backend;
  #closing: Promise<void> | undefined;

  constructor(uri: string, thread: Worker, bus: Bus, backend: Backend, ended: Promise<RayflightError | undefined>) {
    this.uri = uri;
    this.#thread = thread;
    this.#bus = bus;
    this.#backend = backend;
    this.closed = ended.then((fault) => {
      if (currentNode === this) endSession();
      return fault;
    });
  }

  close({ graceMs = 10_000 } = {}): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(graceMs: number): Promise<void> {
    try {
      await this.#backend.close();
      await methodsOf<NodeMethods>(this.#bus).call("node.close", { graceMs });
    } catch (reason) {
      // A node that died has nothing left to close; `closed` says what ended it.
      if (RayflightError.from(reason).code !== "UNAVAILABLE") throw reason;
    } finally {
      this.#bus.close();
      await this.#thread.terminate();
      await this.closed;
    }
  }
}

function endSession(): void {
  currentNode = undefined;
  setContext(undefined);
}
