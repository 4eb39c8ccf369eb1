import type { Bus } from "../../control/index.js";
import { TaskClient } from "../client.js";
import { loadEncode } from "../closures/load-encode.js";
import { Outbox } from "../outbox.js";
import { busMethods, type ClientMessage, type Welcome } from "../protocol.js";

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
  }: { outbox?: Outbox<ClientMessage>; looks?: boolean } = {},
): TaskClient {
  const client = new TaskClient({
    looks,
    kind: "workers",
    welcome,
    outbox,
    define: (code, _id, codec) => loadEncode().encodeCode(code.target!, codec),
    receiveNow: () => bus.receiveNow(),
  });
  void bus.closed.then((reason) => client.disconnected(reason));
  return client;
}
