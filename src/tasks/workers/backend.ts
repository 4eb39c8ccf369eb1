import type { Bus } from "../../control/index.js";
import type { Backend } from "../backend.js";
import type { TaskClient } from "../client.js";
import { DriverLogs, type LogOptions } from "../logs/driver-logs.js";
import type { OutputChannel } from "../logs/worker-output.js";
import { busMethods, type ClientReply, type Welcome } from "../protocol.js";
import type { WorkerId } from "../scheduler/events.js";
import { createBusClient, loudly } from "./bus-client.js";

/** The driver's backend, and what tests look into. */
export type WorkersBackend = Backend & Pick<TaskClient, "load" | "tidy">;

/**
 * Connects the driver's thread to the task host on the other side of its bus (`hostTasks`). With `logs`, what workers print
 * comes here.
 */
export async function createWorkersBackend(
  bus: Bus,
  { logs: logOptions }: { logs?: LogOptions } = {},
): Promise<WorkersBackend> {
  if (logOptions !== undefined) {
    const logs = new DriverLogs(logOptions);
    void bus.closed.then(() => logs.close());
    bus.serve({
      [busMethods.output]: (message) => {
        const { worker, output } = message as { worker: WorkerId; output: OutputChannel };
        logs.add(worker, output);
      },
    });
  }
  const welcome = await bus.call<Welcome>(busMethods.connect, undefined);
  const client = createBusClient(bus, welcome, { looks: true });
  const tellUnread = () => client.tellUnread();
  process.once("exit", tellUnread);
  void bus.closed.then(() => process.off("exit", tellUnread));
  bus.serve({
    [busMethods.batch]: loudly((batch: readonly ClientReply[]) => {
      for (const reply of batch) client.receive(reply);
    }),
  });
  return client;
}
