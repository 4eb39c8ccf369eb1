import type { Bus, ControlStore } from "../../control/index.js";
import { RayflightError } from "../../error.js";
import type { ObjectStore } from "../../store/index.js";
import { createPlace } from "../host/place.js";
import { TaskHost } from "../host/task-host.js";
import type { OutputChannel } from "../logs/worker-output.js";
import { busMethods } from "../protocol.js";
import type { WorkerId } from "../scheduler/events.js";
import { toCustom, toUnits } from "../scheduler/resources.js";
import { loudly } from "./bus-client.js";
import { type ThreadOptions, ThreadSupervisor } from "./supervisor.js";

export interface HostTasksOptions extends ThreadOptions {
  /** The bus to the driver, whose other side calls `createWorkersBackend`. */
  driver: Bus;
  /** Has the objects' shared memory. */
  store: ObjectStore;
  /** Whether the output of workers goes to the driver, which was given `logs`, and not to this thread's. */
  sendOutput?: boolean;
  /** Where the rows of the tables tasks, actors and workers go. */
  control: ControlStore;
  /** How many threads run tasks. 0: nothing can run, and submitting says so. */
  cpus: number;
  gpus?: number;
  /** Custom resources by name. */
  resources?: Readonly<Record<string, number>>;
  /** The node's name in the state tables. */
  node?: string;
  /** Where the names of actors are looked for that come without a namespace. */
  namespace?: string;
}

/**
 * Starts the node thread's half of the tasks: the scheduler, and the supervisor that starts worker threads as they are
 * needed and sees them die, even while the driver's thread is busy.
 */
export function hostTasks(options: HostTasksOptions): TaskHost {
  const { driver, control, cpus, gpus = 0, resources, node, namespace } = options;
  if (!Number.isInteger(cpus) || cpus < 0 || !Number.isInteger(gpus) || gpus < 0) {
    throw new RayflightError("INVALID_ARGUMENT", `cpus is ${cpus} and gpus is ${gpus}.`, {
      hint: "A node has a whole number of each.",
    });
  }
  const total = { cpus: toUnits("cpus", cpus), gpus: toUnits("gpus", gpus), custom: toCustom(resources) };
  const onOutput = (worker: WorkerId, output: OutputChannel) => {
    driver.notify(busMethods.output, { worker, output }, { transfer: [output.port] });
  };
  const place = createPlace({ node, namespace });
  const supervisor = new ThreadSupervisor({ place, total }, { ...options, ...(options.sendOutput && { onOutput }) });
  const host = new TaskHost({ total, place, supervisor, control, memory: options.store });
  const { welcome, receive } = host.connect((batch) => driver.notify(busMethods.batch, batch), { boards: true });
  driver.serve({
    [busMethods.connect]: () => welcome,
    [busMethods.batch]: loudly(receive),
  });
  return host;
}
