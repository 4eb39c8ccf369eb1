import { createRequire } from "node:module";
import type { Bus } from "../../control/index.js";
import { TaskClient } from "../client.js";
import type * as Encoding from "../closures/encode.js";
import { Outbox } from "../outbox.js";
import { busMethods, type ClientMessage, type Welcome } from "../protocol.js";

const require = createRequire(import.meta.url);
let encoding: typeof Encoding | undefined;

/** What makes functions ready to travel. Loaded when this thread ships its first one: most workers ship none, and start sooner. */
function loadEncoding(): typeof Encoding {
  encoding ??= require("../closures/encode.js") as typeof Encoding;
  return encoding;
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
    define: (code, _id, codec) => loadEncoding().encodeCode(code.target!, codec),
    close: async () => {},
  });
  void bus.closed.then((reason) => client.disconnected(reason));
  return client;
}
