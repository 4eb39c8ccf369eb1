/** A node thread with nothing but tasks: what the worker tests run against. */
import { tmpdir } from "node:os";
import { type Worker, workerData } from "node:worker_threads";
import { createBus, createMemoryControlStore, type TableName } from "../../src/control/index.js";
import { ObjectStore, SpillFile } from "../../src/store/index.js";
import { hostTasks } from "../../src/tasks/index.js";
import type { NodeStart } from "./session.js";

const { port, options } = workerData as NodeStart;
const driver = createBus(port, { keepAlive: true });
const control = createMemoryControlStore({ openFile: () => new SpillFile(tmpdir()) });
const store = new ObjectStore({
  memory: options.memory ?? 1 << 28,
  spillDirectory: tmpdir(),
  spillLimit: options.spillLimit ?? 1 << 28,
});
const host = hostTasks({
  driver,
  store,
  control,
  cpus: options.cpus ?? 2,
  gpus: options.gpus ?? 0,
  resources: options.resources ?? {},
  ...(options.heapMb !== undefined && { resourceLimits: { maxOldGenerationSizeMb: options.heapMb } }),
  onWorkerBus: (bus, worker) => bus.serve({ "test.whoami": () => worker }),
});
/** Worker threads that have not ended, by the number that they see themselves. */
const threads = new Map<number, Worker>();
process.on("worker", (thread) => {
  const { threadId } = thread;
  threads.set(threadId, thread);
  thread.once("exit", () => threads.delete(threadId));
});
driver.serve({
  "test.terminate": async (threadId) => {
    const thread = threads.get(threadId as number);
    await thread?.terminate();
    return thread !== undefined;
  },
  "test.load": async () => {
    // A worker comes to rest only after the owner has its last result.
    for (let i = 0; i < 100 && !host.isAtRest; i++) await new Promise((resolve) => setTimeout(resolve, 1));
    await host.tidy();
    return { ...host.load(), memory: store.usage().memoryUsed };
  },
  "test.state": async (table) => {
    await host.flush();
    return await control.list(table as TableName);
  },
  // What is still taken once the driver has let go of all that it had, and its workers have ended.
  "test.left": async () => {
    host.endWorkers();
    await host.tidy();
    const { loans, lineage } = host.load();
    const objects = host.madeObjects;
    const { memoryUsed, pinned, spillUsed, objects: values } = store.usage();
    return { objects, loans, lineage, memoryUsed, pinned, spillUsed, values };
  },
  "test.lose": (objects) => host.lose(objects as number[]),
  "test.stored": () => host.storedObjects,
  "test.usage": () => store.usage(),
  "test.peek": () => host.load(),
  "test.close": async () => {
    await host.close();
    return { ...host.load(), memory: store.usage().memoryUsed };
  },
});
