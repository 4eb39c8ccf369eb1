import { parentPort } from "node:worker_threads";
import { createBus } from "../../src/control/index.js";
import { createDataClient, type Dataset } from "../../src/data/index.js";

/** A worker that opens a dataset, as a task would, and answers what a test asks about it. */
const bus = createBus(parentPort!, { keepAlive: true });
let data: ReturnType<typeof createDataClient>;
let opened: Dataset;

bus.serve({
  attach: (port) => {
    data = createDataClient(createBus(port as Parameters<typeof createBus>[0]));
  },
  /** Opens, and returns every column's buffer. */
  open: async (name) => {
    opened = await data.open(name as string);
    return opened.schema.names.map((column) => ({
      column,
      buffers: opened.batches.map((batch) => batch.getChild(column as string)!.data[0]!.values.buffer),
    }));
  },
  read: (place) => {
    const { column, row } = place as { column: string; row: number };
    return opened.column(column)[0]![row];
  },
  write: (place) => {
    const { column, row, value } = place as { column: string; row: number; value: number };
    opened.column(column)[0]![row] = value;
  },
  /** Closes; answers once the node knows. */
  close: async () => {
    opened.close();
    await data.exists(opened.name);
  },
  begin: async (name) => {
    const stream = await data.createStream(name as string, { i: "int32" });
    await stream.append({ i: [1] });
  },
});
