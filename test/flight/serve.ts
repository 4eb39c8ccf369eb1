import { type FlightHandlers, FlightServer, type FlightServerOptions } from "arrow-flight-node";
import type { ExecutionContext } from "ava";

/** Starts a server that ends with the test; returns its URI. */
export async function serve<Identity>(
  t: ExecutionContext,
  handlers: FlightHandlers<Identity>,
  options?: FlightServerOptions,
): Promise<string> {
  const server = new FlightServer(handlers, options);
  const { uri } = await server.listen();
  t.teardown(() => server.close({ graceMs: 0 }));
  return uri;
}
