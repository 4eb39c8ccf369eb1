import type { RecordBatch, Schema } from "apache-arrow";
import { FlightError } from "./error.js";
import type {
  Action,
  ActionType,
  FlightDataOut,
  FlightDescriptor,
  FlightInfo,
  IncomingMessages,
  Streamable,
} from "./messages.js";

export interface FlightClientOptions {
  /** Sent as `authorization: Bearer <token>` on every call. */
  token?: string | undefined;
  /** Sent on every call; names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** The longest message that is accepted, in bytes. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
  /** How many bytes the server may send on one stream before they are read. Default 64 MiB. */
  streamWindow?: number | undefined;
  /** How long to wait for a connection. Default 10 s. */
  connectTimeoutMs?: number | undefined;
}

export interface CallOptions {
  /** Cancels the call: it rejects CANCELLED, and the server's handler sees its signal abort. */
  signal?: AbortSignal | undefined;
  /** The call rejects DEADLINE_EXCEEDED after this, on both sides. */
  timeoutMs?: number | undefined;
  /** Headers of this call alone; names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined;
}

/** A stream's schema and its batches. */
export interface BatchStream {
  schema: Schema;
  batches: AsyncIterable<RecordBatch>;
}

/** A Flight client on one HTTP/2 connection, made when first needed and again after a loss. */
export class FlightClient {
  /** `uri` is grpc://host:port or grpc+tcp://host:port; throws INVALID_ARGUMENT for anything else. */
  constructor(_uri: string, _options: FlightClientOptions = {}) {}
  listFlights(_criteria?: Uint8Array, _options?: CallOptions): AsyncIterable<FlightInfo> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  async getFlightInfo(_descriptor: FlightDescriptor, _options?: CallOptions): Promise<FlightInfo> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  /** The schema as an encapsulated IPC message (`decapsulateSchema` of `arrow-flight-node/ipc` opens it). */
  async getSchema(_descriptor: FlightDescriptor, _options?: CallOptions): Promise<Uint8Array> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  doGet(_ticket: Uint8Array, _options?: CallOptions): IncomingMessages {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  /** Sends `messages` under `descriptor` and gives the server's PutResults as they come: iterate them, or nothing is sent. */
  doPut(
    _descriptor: FlightDescriptor,
    _messages: Streamable<FlightDataOut>,
    _options?: CallOptions,
  ): AsyncIterable<Uint8Array> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  doAction(_action: Action, _options?: CallOptions): AsyncIterable<Uint8Array> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  listActions(_options?: CallOptions): AsyncIterable<ActionType> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  /** DoGet, decoded: resolves once the schema is there. */
  async read(_ticket: Uint8Array, _options?: CallOptions): Promise<BatchStream> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  /** DoPut of record batches; resolves with the app_metadata of the server's PutResults once the server has taken all. */
  async write(
    _descriptor: FlightDescriptor,
    _batches: Streamable<RecordBatch>,
    _options?: CallOptions,
  ): Promise<Uint8Array[]> {
    throw new FlightError("UNIMPLEMENTED", "not built yet");
  }
  /** Ends the connection; calls in flight reject CANCELLED. */
  async close(): Promise<void> {}
}
