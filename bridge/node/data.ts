import type { Bus } from "../../src/control/index.js";
import { createDataClient, type DataClient } from "../../src/data/index.js";
import { RayflightError } from "../../src/error.js";
import { currentContext } from "../../src/tasks/index.js";

const clients = new WeakMap<Bus, DataClient>();

/** This thread's client, made once for each session. */
function client(): DataClient {
  const { bus } = currentContext();
  if (bus === undefined) {
    throw new RayflightError("FAILED_PRECONDITION", "This session has no node, so it has no datasets.", {
      hint: "Start it with `await ray.init()`.",
    });
  }
  const known = clients.get(bus);
  if (known !== undefined) return known;
  const made = createDataClient(bus);
  clients.set(bus, made);
  return made;
}

/**
 * The datasets of this thread's node: the same in the driver, in tasks and in actors. Every function throws
 * FAILED_PRECONDITION where there is no session.
 */
export const data: DataClient = {
  open: (name, options) => client().open(name, options),
  waitFor: (name, options) => client().waitFor(name, options),
  exists: (name) => client().exists(name),
  list: () => client().list(),
  remove: (name) => client().remove(name),
  createStream: (name, columns) => client().createStream(name, columns),
  follow: (name, options) => client().follow(name, options),
  write: (name, batches, options) => client().write(name, batches, options),
};
