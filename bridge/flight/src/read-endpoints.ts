import type { TypeMap } from "apache-arrow";
import { type BatchStream, decodeBatches, type Expected } from "./batches.js";
import type { FlightClient, ReadOptions } from "./client.js";
import { FlightError } from "./error.js";
import type { FlightEndpoint, FlightInfo } from "./messages.js";
import type { AnyColumns } from "./schema.js";

/** The location that means: the server that gave this endpoint. */
const reuseConnection = /^arrow-flight-reuse-connection:\/\/\??$/;

/** How endpoints are read. */
export interface EndpointOptions extends ReadOptions {
  /** How many endpoints are opened ahead of the one that is read. Each may hold `streamWindow` bytes. Default 0. */
  ahead?: number | undefined;
}

/** An endpoint that is being asked for. */
interface OpenEndpoint {
  stream: Promise<BatchStream>;
  /** Ends its call, however far it is. */
  close(): Promise<void>;
}

/**
 * Reads what `info` names, one endpoint after the other in their order, which is right whether or not it says `ordered`.
 *
 * An endpoint of no locations, or with `arrow-flight-reuse-connection://?`, is read from `client`; another from the first of its
 * locations that answers, on a client made by `connect` and closed afterwards. Once an endpoint's schema is there it is not
 * tried elsewhere: its rows may have been used. `connect` decides which tokens and certificates a location gets.
 *
 * Of an endpoint that has expired `client`'s server is first asked for a later one, by RenewFlightEndpoint. Where it gives none the
 * ticket is tried all the same, since clocks differ.
 */
export function readEndpoints<T extends TypeMap>(
  client: FlightClient,
  info: FlightInfo,
  connect: (uri: string) => FlightClient,
  options: EndpointOptions & Expected<T>,
): AsyncGenerator<BatchStream<T>>;
export function readEndpoints(
  client: FlightClient,
  info: FlightInfo,
  connect: (uri: string) => FlightClient,
  options?: EndpointOptions,
): AsyncGenerator<BatchStream>;
export async function* readEndpoints(
  client: FlightClient,
  info: FlightInfo,
  connect: (uri: string) => FlightClient,
  { ahead = 0, ...options }: EndpointOptions & Partial<Expected<AnyColumns>> = {},
): AsyncGenerator<BatchStream> {
  const rest = info.endpoints.values();
  const open: OpenEndpoint[] = [];
  const more = () => {
    const { done, value } = rest.next();
    if (!done) open.push(openEndpoint(client, value, connect, options));
  };
  for (let i = 0; i < ahead; i++) more();
  try {
    for (more(); open.length > 0; more()) {
      yield await open[0]!.stream;
      await open.shift()!.close();
    }
  } finally {
    await Promise.all(open.map((endpoint) => endpoint.close()));
  }
}

function openEndpoint(
  client: FlightClient,
  endpoint: FlightEndpoint,
  connect: (uri: string) => FlightClient,
  options: ReadOptions & Partial<Expected<AnyColumns>>,
): OpenEndpoint {
  const left = new AbortController();
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal]);
  let own: FlightClient | undefined;
  const read = async (uri: string, ticket: Uint8Array) => {
    own = reuseConnection.test(uri) ? undefined : connect(uri);
    const choice = { ...options, signal };
    return await decodeBatches((own ?? client).doGet(ticket, choice), choice);
  };
  const find = async () => {
    const { ticket, locations = [] } = await renewed(client, endpoint, { ...options, signal });
    if (locations.length === 0) return await read("arrow-flight-reuse-connection://?", ticket);
    const failures: FlightError[] = [];
    for (const uri of locations) {
      try {
        return await read(uri, ticket);
      } catch (reason) {
        await own?.close();
        failures.push(FlightError.from(reason));
        if (signal.aborted) break;
      }
    }
    if (failures.length === 1 || signal.aborted) throw failures.at(-1);
    const answers = failures.map(({ message }, i) => `${locations[i]}: ${message}`);
    throw new FlightError(
      "UNAVAILABLE",
      `None of ${locations.length} locations gave the endpoint: ${answers.join(" ")}`,
      {
        hint: "See why each refused.",
      },
    );
  };
  const stream = find().catch((reason: unknown) => {
    throw blameExpiry(FlightError.from(reason), endpoint);
  });
  // One that was opened ahead may fail before it is waited for.
  stream.catch(() => {});
  const close = async () => {
    left.abort();
    await stream.catch(() => {});
    await own?.close();
  };
  return { stream, close };
}

function hasExpired({ expirationTime }: FlightEndpoint): boolean {
  return expirationTime !== undefined && expirationTime.getTime() <= Date.now();
}

async function renewed(client: FlightClient, endpoint: FlightEndpoint, options: ReadOptions): Promise<FlightEndpoint> {
  if (!hasExpired(endpoint)) return endpoint;
  return await client.renewFlightEndpoint(endpoint, options).catch(() => endpoint);
}

function blameExpiry(error: FlightError, endpoint: FlightEndpoint): FlightError {
  if (!hasExpired(endpoint) || error.code === "CANCELLED") return error;
  const text = `The endpoint expired at ${endpoint.expirationTime?.toISOString()}: ${error.message}`;
  return new FlightError(error.code, text, { hint: "Ask for its FlightInfo again.", cause: error });
}
