import type { PeerCertificate } from "node:tls";
import type {
  Action,
  ActionType,
  CancelStatus,
  CloseSessionStatus,
  FlightDataOut,
  FlightDescriptor,
  FlightEndpoint,
  FlightInfo,
  FlightInfoOut,
  IncomingMessages,
  PollInfoOut,
  Responses,
  SessionOptionError,
  SessionOptionValue,
} from "./messages.js";

/** What a handler may know of the call that it answers. `Identity` is what the server's `authenticate` returns. */
export interface ServerCall<Identity = unknown> {
  /** The RPC's name, such as "DoGet". */
  readonly method: string;
  /** The RPC with its service, such as "/arrow.flight.protocol.FlightService/DoGet". */
  readonly path: string;
  /** The peer's address and port; "unix" for a Unix socket. */
  readonly peer: string;
  /** The certificate that the peer showed and `tls.clientCa` vouches for; undefined without mTLS. */
  readonly certificate: PeerCertificate | undefined;
  /** The call's headers, names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** What `authenticate` returned; undefined without it, and in a handshake. */
  readonly identity: Identity;
  /** Aborts when the peer cancels or is lost, at the call's deadline, and when the server closes. */
  readonly signal: AbortSignal;
  /**
   * Sends a header before the first answer. Throws FAILED_PRECONDITION once that is sent, INVALID_ARGUMENT for what cannot be sent:
   * names are in lower case, values are printable ASCII, or base64 where the name ends in "-bin" (`encodeBinaryHeader` of
   * `arrow-flight-node/grpc`). Several values of one name are joined by commas.
   */
  setHeader(name: string, value: string): void;
  /** Sends the headers now; without it they go with the first answer. */
  sendHeaders(): void;
  /** Sends a header at the end of the call, beside its status. Throws INVALID_ARGUMENT as setHeader does. */
  setTrailer(name: string, value: string): void;
}

/**
 * The RPCs that a server answers: an object, or an instance of a class, whose methods keep their `this`. One that is left out answers
 * UNIMPLEMENTED. A thrown FlightError becomes the call's status.
 */
export interface FlightHandlers<Identity = unknown> {
  /**
   * Runs before any handler but `handshake`, and before any message is read: looks at the call's headers, peer or certificate.
   * What it returns is the call's `identity`, what it throws ends the call. `FlightLogins` has it ready for passwords.
   */
  authenticate?(call: ServerCall): Identity | Promise<Identity>;
  /** Gets the payloads that the peer sends, of 64 KiB at most, and yields those to answer with. What they mean is up to the two. */
  handshake?(payloads: AsyncIterable<Uint8Array>, call: ServerCall): Responses<Uint8Array>;
  /** What there is for this caller; what `criteria` mean is up to the server. */
  listFlights?(criteria: Uint8Array, call: ServerCall<Identity>): Responses<FlightInfoOut>;
  /** Says what the data of `descriptor` is, and by which tickets it is fetched, where. */
  getFlightInfo?(descriptor: FlightDescriptor, call: ServerCall<Identity>): FlightInfoOut | Promise<FlightInfoOut>;
  /** Starts a query, or tells how far the one is that an earlier answer's descriptor named. */
  pollFlightInfo?(descriptor: FlightDescriptor, call: ServerCall<Identity>): PollInfoOut | Promise<PollInfoOut>;
  /** Returns the schema of the data of `descriptor`, made by `packSchema`. */
  getSchema?(descriptor: FlightDescriptor, call: ServerCall<Identity>): Uint8Array | Promise<Uint8Array>;
  /** The stream that `ticket` stands for: messages as they were kept, or those of `encodeBatches`. */
  doGet?(ticket: Uint8Array, call: ServerCall<Identity>): Responses<FlightDataOut>;
  /** What it yields is sent as the app_metadata of one PutResult each; the call ends when it returns. */
  doPut?(messages: IncomingMessages, call: ServerCall<Identity>): Responses<Uint8Array> | Promise<void>;
  /** Reads and answers at its own pace. The first message has the descriptor, and often no header: then the schema follows. */
  doExchange?(messages: IncomingMessages, call: ServerCall<Identity>): Responses<FlightDataOut>;
  /** What it yields is sent as one Result each. */
  doAction?(action: Required<Action>, call: ServerCall<Identity>): Responses<Uint8Array> | Promise<void>;
  /** The standard actions below are listed by themselves. */
  listActions?(call: ServerCall<Identity>): Responses<ActionType>;
  /** Answers the action CancelFlightInfo, and so the next four those of their names, before `doAction` is asked. */
  cancelFlightInfo?(info: FlightInfo, call: ServerCall<Identity>): CancelStatus | Promise<CancelStatus>;
  /** Returns the endpoint as it is now, with its new expirationTime. */
  renewFlightEndpoint?(endpoint: FlightEndpoint, call: ServerCall<Identity>): FlightEndpoint | Promise<FlightEndpoint>;
  /** Sets options, erases those that are undefined, and returns why some were not set. `FlightSessions` has all three. */
  setSessionOptions?(
    options: ReadonlyMap<string, SessionOptionValue | undefined>,
    call: ServerCall<Identity>,
  ): ReadonlyMap<string, SessionOptionError> | Promise<ReadonlyMap<string, SessionOptionError>>;
  /** Returns the options of the caller's session. */
  getSessionOptions?(
    call: ServerCall<Identity>,
  ): ReadonlyMap<string, SessionOptionValue> | Promise<ReadonlyMap<string, SessionOptionValue>>;
  /** Ends the caller's session. */
  closeSession?(call: ServerCall<Identity>): CloseSessionStatus | Promise<CloseSessionStatus>;
}
