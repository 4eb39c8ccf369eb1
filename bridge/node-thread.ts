/**
 * The node thread: endpoint, datasets, store, metadata and the scheduler live here, apart from user code, so that a
 * pipeline which computes for ten seconds does not stall a Spark commit. Started by `init`; runs until it is closed.
 */
import { parentPort, workerData } from "node:worker_threads";
import { FlightServer } from "arrow-flight-node";
import { createBus, createMemoryControlStore, type NodeRow, serveMethods } from "../src/control/index.js";
import { DatasetRegistry, serveData } from "../src/data/index.js";
import { ObjectStore, SpillFile } from "../src/store/index.js";
import { hostTasks } from "../src/tasks/index.js";
import { fromFlightError } from "./endpoint/failure.js";
import { createEndpoint } from "./endpoint.js";
import type { NodeMethods } from "./node/methods.js";
import type { NodeOptions } from "./node/options.js";
import { select } from "./node/select.js";

const options = workerData as NodeOptions;
const driver = createBus(parentPort!, { keepAlive: true });
const control = createMemoryControlStore({
  openFile: () => new SpillFile(options.spillDirectory),
  refresh: () => tasks.flush(),
  lost: sayLost,
});
const store = new ObjectStore({
  memory: options.objectStoreMemory,
  spillDirectory: options.spillDirectory,
  spillLimit: options.spillLimit,
  spillCodec: options.spillCodec,
});
const registry = new DatasetRegistry(store, control, { transactionTtlMs: options.transactionTtlMs });
let server: FlightServer | undefined;
let lostRows = 0;
const tasks = hostTasks({
  driver,
  store,
  control,
  cpus: options.numCpus,
  gpus: options.numGpus,
  namespace: options.namespace,
  resources: options.resources,
  sendOutput: true,
  onWorkerBus: (bus) => serveData(bus, registry),
});

serveData(driver, registry);
serveMethods<NodeMethods>(driver, {
  "node.listen": async () => {
    try {
      const { host, port, token } = options;
      server = new FlightServer(createEndpoint({ registry, control, store, timeline: () => tasks.timeline() }), {
        host,
        port,
        token,
      });
      const { uri } = await server.listen();
      await control.put("nodes", [nodeRow(uri)]);
      return { uri };
    } catch (reason) {
      throw fromFlightError(reason);
    }
  },
  "node.close": async ({ graceMs }) => {
    await server?.close({ graceMs });
    await tasks.close();
    registry.close();
    store.close();
    control.close();
    return null;
  },
  "node.state": (query) => select(control, query),
  "node.summarizeTasks": () => tasks.summarize(),
  "node.timeline": () => tasks.timeline(),
  "node.usage": () => store.usage(),
});

/** Says how many rows have been dropped: when the first are, and whenever the number has another digit. */
function sayLost(table: string, rows: number, reason: unknown): void {
  const digits = String(lostRows).length;
  const isFirst = lostRows === 0;
  lostRows += rows;
  if (!isFirst && String(lostRows).length === digits) return;
  const why = reason instanceof Error ? reason.message : String(reason);
  process.stderr.write(
    `rayflight: ${lostRows} rows of the table ${table} were dropped, as they cannot be written: ${why}\n`,
  );
}

function nodeRow(uri: string): NodeRow {
  return {
    id: "node-0",
    uri,
    host: options.host,
    pid: process.pid,
    state: "alive",
    cpus: options.numCpus,
    gpus: options.numGpus,
    memory: options.objectStoreMemory,
    startedAt: Date.now(),
    endedAt: null,
  };
}
