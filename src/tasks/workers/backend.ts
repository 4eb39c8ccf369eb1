import type { Bus } from "../../control/index.js";
import type { Backend } from "../backend.js";
import { TaskClient } from "../client.js";
import { encodeCode } from "../closures/encode.js";
import { DriverLogs, type LogOptions } from "../logs/driver-logs.js";
import type { OutputChannel } from "../logs/worker-output.js";
import { Outbox } from "../outbox.js";
import { busMethods, type ClientMessage, type ClientReply, type Welcome } from "../protocol.js";
import type { WorkerId } from "../scheduler/events.js";

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

/**
 * A handler for batches. A bus drops what the handler of a notification throws, but here that is a fault of the engine,
 * and to go on without the batch would be to wait for ever: it ends the thread instead.
 */
export function loudly<B>(handler: (batch: B) => void): (batch: unknown) => void {
  return (batch) => {
    try {
      handler(batch as B);
    } catch (fault) {
      queueMicrotask(() => {
        throw fault;
      });
    }
  };
}

/** A client whose messages go over a bus. `outbox` is shared with the runner in a worker, so that order is kept. */
export function createBusClient(
  bus: Bus,
  welcome: Welcome,
  {
    outbox = new Outbox((batch) => bus.notify(busMethods.batch, batch)),
    looks = false,
    receiveNow,
  }: { outbox?: Outbox<ClientMessage>; looks?: boolean; receiveNow?: () => void } = {},
): TaskClient {
  const client = new TaskClient({
    looks,
    ...(receiveNow && { receiveNow }),
    kind: "workers",
    welcome,
    outbox,
    define: (code, _id, codec) => encodeCode(code.target!, codec),
    close: async () => {},
  });
  void bus.closed.then((reason) => client.disconnected(reason));
  return client;
}
