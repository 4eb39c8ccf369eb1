import { type BatchStream, decodeBatches } from "./batches.js";
import type { CallOptions, FlightClient } from "./client.js";
import { FlightError } from "./error.js";
import type { FlightEndpoint, FlightInfo } from "./messages.js";

/** The location that means: the server that gave this endpoint. */
const reuseConnection = /^arrow-flight-reuse-connection:\/\/\??$/;

/**
 * Reads what `info` names, one endpoint after the other in their order, each as it is asked for.
 *
 * An endpoint of no locations, or with `arrow-flight-reuse-connection://?`, is read from `client`; another from the first of its
 * locations that answers, on a client made by `connect` and closed afterwards. Once an endpoint's schema is there it is not
 * tried elsewhere: its rows may have been used. `connect` decides which tokens and certificates a location gets.
 */
export async function* readEndpoints(
  client: FlightClient,
  info: FlightInfo,
  connect: (uri: string) => FlightClient,
  options: CallOptions = {},
): AsyncGenerator<BatchStream> {
  for (const endpoint of info.endpoints) {
    const { stream, close } = await openEndpoint(client, endpoint, connect, options);
    try {
      yield stream;
    } finally {
      await close();
    }
  }
}

async function openEndpoint(
  client: FlightClient,
  { ticket, locations = [] }: FlightEndpoint,
  connect: (uri: string) => FlightClient,
  options: CallOptions,
): Promise<{ stream: BatchStream; close(): Promise<void> }> {
  // Ends a call whose batches were not read to their end.
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  const failures: string[] = [];
  for (const uri of locations.length === 0 ? ["arrow-flight-reuse-connection://?"] : locations) {
    let own: FlightClient | undefined;
    try {
      if (!reuseConnection.test(uri)) own = connect(uri);
      const stream = await decodeBatches((own ?? client).doGet(ticket, { ...options, signal }));
      const close = async () => {
        left.abort();
        await own?.close();
      };
      return { stream, close };
    } catch (reason) {
      await own?.close();
      const error = FlightError.from(reason);
      if (locations.length < 2 || options.signal?.aborted) throw error;
      failures.push(`${uri}: ${error.message}`);
    }
  }
  throw new FlightError(
    "UNAVAILABLE",
    `None of ${locations.length} locations gave the endpoint: ${failures.join(" ")}`,
    {
      hint: "See why each refused.",
    },
  );
}
