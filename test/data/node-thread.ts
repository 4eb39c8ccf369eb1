import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createBus, createMemoryControlStore } from "../../src/control/index.js";
import { DatasetRegistry, serveData } from "../../src/data/index.js";
import { ObjectStore } from "../../src/store/index.js";

/** A node thread of the store and the datasets alone; every port that it is sent becomes a client. */
const { memory, spillDirectory } = workerData as { memory: number; spillDirectory: string };
const control = createMemoryControlStore();
const store = new ObjectStore({ memory, spillDirectory, spillLimit: memory });
const registry = new DatasetRegistry(store, control);
const bus = createBus(parentPort!, { keepAlive: true });
serveData(bus, registry);
bus.serve({
  connect: (port) => serveData(createBus(port as MessagePort, { keepAlive: true }), registry),
  usage: () => store.usage(),
  transactions: () => registry.openTransactions(),
  /** The segments of a version, as the node thread has them. */
  segments: async (name) => {
    const lease = registry.open(name as string);
    const { segments } = await lease.load();
    lease.release();
    return segments;
  },
});
