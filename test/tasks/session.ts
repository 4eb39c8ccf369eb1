import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import { createBus, createMemoryControlStore, type Row, type TableName } from "../../src/control/index.js";
import { createInlineBackend, createWorkersBackend, setContext } from "../../src/tasks/index.js";

export interface SessionOptions {
  cpus?: number;
  gpus?: number;
  resources?: Readonly<Record<string, number>>;
  memory?: number;
  spillLimit?: number;
  heapMb?: number;
}

export interface NodeStart {
  readonly port: MessagePort;
  readonly options: SessionOptions;
}

/**
 * What is not done yet; `calls` are on boards, `words` of shared memory hold those of this thread, `memory` is what objects
 * take.
 */
export interface Load {
  objects: number;
  requests: number;
  waiting: number;
  tasks: number;
  actors: number;
  calls: number;
  words: number;
  free: { cpus: number; gpus: number; custom?: Readonly<Record<string, number>> | undefined };
  memory: number;
}

/** A session for one test. It is this thread's context until it is closed. */
export interface Session {
  /** After what was submitted or released in this turn has been sent, which is on a microtask. */
  load(): Promise<Load>;
  state<N extends TableName>(table: N): Promise<Row<N>[]>;
  /** Ends a worker thread from outside; false when there is none with this `threadId`. Without threads, there never is. */
  terminate(threadId: number): Promise<boolean>;
  /** Asks the node thread of the tests something more. Without threads, there is none. */
  ask<T>(method: string, params?: unknown): Promise<T>;
  /** What of the store is still taken when all references that this thread dropped are gone, and workers have ended. */
  left(): Promise<Record<string, number>>;
  close(): Promise<void>;
}

/** Waits for what another thread writes. */
export async function until(view: Int32Array, index: number, value: number): Promise<void> {
  while (Atomics.load(view, index) < value) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Waits until no task is left: the last message of a thread may be under way when its result is there. */
export async function rest(session: Session): Promise<void> {
  while ((await session.load()).tasks > 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

export type MakeSession = (options: SessionOptions) => Promise<Session>;

export async function makeInline({ cpus = 2, gpus = 0, resources = {} }: SessionOptions): Promise<Session> {
  const control = createMemoryControlStore();
  const backend = createInlineBackend({ cpus, gpus, resources, control });
  setContext({ backend });
  return {
    load: async () => {
      await null;
      return { ...backend.host.load(), words: 0, memory: 0 };
    },
    state: async (table) => {
      await backend.host.flush();
      return await control.list(table);
    },
    terminate: async () => false,
    ask: () => Promise.reject(new Error("There is no node thread.")),
    left: async () => ({}),
    close: () => backend.close(),
  };
}

export async function makeWorkers(options: SessionOptions): Promise<Session> {
  const { port1, port2 } = new MessageChannel();
  const start: NodeStart = { port: port2, options };
  const thread = new Worker(new URL("./node-thread.js", import.meta.url), { workerData: start, transferList: [port2] });
  const bus = createBus(port1);
  const backend = await createWorkersBackend(bus);
  setContext({ backend, bus });
  let closed = false;
  return {
    load: async () => {
      await null;
      const [node, own] = [await bus.call<Load>("test.load", null), backend.load()];
      return {
        ...node,
        objects: node.objects + own.objects,
        requests: Math.max(node.requests, own.requests),
        tasks: node.tasks + own.tasks,
        waiting: node.waiting + own.waiting,
        words: own.words,
      };
    },
    state: (table) => bus.call("test.state", table),
    terminate: (threadId) => bus.call("test.terminate", threadId),
    ask: (method, params = null) => bus.call(method, params),
    async left() {
      if (closed) return {};
      // One finalizer may let go of what another one waits for: what is left after this many rounds is a leak.
      for (let round = 0; ; round++) {
        await backend.tidy();
        const left = await bus.call<Record<string, number>>("test.left", null);
        if (round === 10 || Object.values(left).every((count) => count === 0)) return left;
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      await backend.close();
      await bus.call("test.close", null);
      bus.close();
      await thread.terminate();
    },
  };
}
