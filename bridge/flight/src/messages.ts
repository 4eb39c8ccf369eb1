/** What a Flight is called: a path of names, or a command whose bytes only its server understands. */
export type FlightDescriptor = { type: "path"; path: string[] } | { type: "command"; command: Uint8Array };

/** The descriptor that is a path of names: `forPath("battery", "phase_1")`. */
export function forPath(...path: string[]): FlightDescriptor {
  return { type: "path", path };
}

/** The descriptor that is a command; a text goes as UTF-8. */
export function forCommand(command: Uint8Array | string): FlightDescriptor {
  return { type: "command", command: typeof command === "string" ? Buffer.from(command) : command };
}

/** One place where a part of a Flight can be fetched. */
export interface FlightEndpoint {
  /** What to hand to DoGet. Opaque to clients. */
  ticket: Uint8Array;
  /** URIs that serve the ticket; none means: the server that gave this endpoint. */
  locations?: string[] | undefined;
  /** After this the ticket may be refused. */
  expirationTime?: Date | undefined;
  appMetadata?: Uint8Array | undefined;
}

/** What a server tells about a Flight. */
export interface FlightInfo {
  /** The data's schema as an encapsulated IPC message: `packSchema` makes it, `unpackSchema` reads it. */
  schema?: Uint8Array | undefined;
  descriptor?: FlightDescriptor | undefined;
  endpoints: FlightEndpoint[];
  /** -1: unknown. */
  totalRecords: number;
  /** -1: unknown. */
  totalBytes: number;
  /** Whether the endpoints' data is in the endpoints' order. */
  ordered?: boolean | undefined;
  appMetadata?: Uint8Array | undefined;
}

/**
 * What a handler tells about a Flight: a FlightInfo, whose totals are unknown where they are left out. Its descriptor is the one that was asked for,
 * if none is given; from listFlights give one, since pyarrow's client takes no FlightInfo without.
 */
export interface FlightInfoOut extends Omit<FlightInfo, "totalRecords" | "totalBytes"> {
  totalRecords?: number | undefined;
  totalBytes?: number | undefined;
}

/** How far a query is that a server still works on. */
export interface PollInfo {
  /** What is there so far: all that is, not only what is new. */
  info?: FlightInfo | undefined;
  /** What to poll with next; absent once the query is done. */
  descriptor?: FlightDescriptor | undefined;
  /** From 0 to 1; absent when the server does not know. It may go down. */
  progress?: number | undefined;
  /** After this the server may forget the query, unless it was polled again. */
  expirationTime?: Date | undefined;
}

/** What a handler tells about a query: a PollInfo. */
export interface PollInfoOut extends Omit<PollInfo, "info"> {
  info?: FlightInfoOut | undefined;
}

/** A request outside the data streams: a name and bytes that only its server understands. */
export interface Action {
  type: string;
  body?: Uint8Array;
}

/** One action that a server offers. */
export interface ActionType {
  type: string;
  description: string;
}

/**
 * One message of a data stream as it was received.
 *
 * `header`, `appMetadata` and `body` are views of `bytes`, never copies; what is absent is empty. The receiver owns `bytes`:
 * nothing else refers to it.
 */
export interface FlightData {
  /** On the first message of a DoPut or a DoExchange, which may carry nothing else. */
  descriptor: FlightDescriptor | undefined;
  /** The IPC message's flatbuffer; `readMessage` of `arrow-flight-node/ipc` validates and reads it. */
  header: Uint8Array;
  appMetadata: Uint8Array;
  body: Uint8Array;
  /** The whole message, in the memory that `allocate` gave. */
  bytes: Uint8Array;
}

/**
 * One message of a data stream to be sent. `body` may lie in pieces, which are sent one after the other without being
 * copied: do not change any of it before the stream has ended. Shared memory is allowed.
 */
export interface FlightDataOut {
  descriptor?: FlightDescriptor | undefined;
  header?: Uint8Array | undefined;
  appMetadata?: Uint8Array | undefined;
  body?: Uint8Array | readonly Uint8Array[] | undefined;
}

/** Gives memory for the bytes of one message, exactly `bytes` long. A promise pauses the stream until it resolves. */
export type Allocate = (bytes: number) => Uint8Array | Promise<Uint8Array>;

/**
 * The messages of a data stream in order of arrival. Ends cleanly only when the peer ended its stream; a stream that was cut
 * rejects instead. May be iterated once; leaving the loop early cancels the call.
 */
export interface IncomingMessages extends AsyncIterable<FlightData> {
  /**
   * Where the next message's bytes are received. May be changed between messages: a message's memory is asked for only
   * when that message is waited for. By default every message gets its own heap memory, whose end is 64-byte aligned, so that
   * `body`, which is the last field, is aligned too.
   */
  allocate: Allocate;
}

/** A stream that a caller gives: one that waits, or one that is there. */
export type Streamable<T> = AsyncIterable<T> | Iterable<T>;

/** What a handler answers with: a stream, or a promise of one. */
export type Responses<T> = Streamable<T> | Promise<Streamable<T>>;

/** What became of a query that was to be cancelled; the position in this list is its number on the wire. */
export const cancelStatuses = ["UNSPECIFIED", "CANCELLED", "CANCELLING", "NOT_CANCELLABLE"] as const;

/** One of `cancelStatuses`. */
export type CancelStatus = (typeof cancelStatuses)[number];

/** What became of a session that was to be closed; the position in this list is its number on the wire. */
export const closeSessionStatuses = ["UNSPECIFIED", "CLOSED", "CLOSING", "NOT_CLOSEABLE"] as const;

/** One of `closeSessionStatuses`. */
export type CloseSessionStatus = (typeof closeSessionStatuses)[number];

/** Why an option of a session was not set; the position in this list is its number on the wire. */
export const sessionOptionErrors = ["UNSPECIFIED", "INVALID_NAME", "INVALID_VALUE", "ERROR"] as const;

/** One of `sessionOptionErrors`. */
export type SessionOptionError = (typeof sessionOptionErrors)[number];

/** The value of an option of a session. A bigint is an int64, a number a double. */
export type SessionOptionValue = string | boolean | bigint | number | readonly string[];
