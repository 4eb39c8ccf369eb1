export {
  type BatchChunk,
  type BatchSource,
  type BatchStream,
  collectTable,
  decodeBatches,
  type EncodeOptions,
  type Expected,
  encodeBatches,
} from "./batches.js";
export {
  type CallOptions,
  FlightClient,
  type FlightClientOptions,
  type PasswordOptions,
  type ReadOptions,
  type WriteOptions,
} from "./client.js";
export { createCookieJar } from "./cookie-jar.js";
export { FlightError, type FlightErrorCode, type FlightErrorOptions, flightErrorCodes } from "./error.js";
export type { FlightHandlers, ServerCall } from "./handlers.js";
export { type Incident, type IncidentCause, incidentCauses } from "./incidents.js";
export { FlightLogins, type FlightLoginsOptions } from "./logins.js";
export {
  type Action,
  type ActionType,
  type Allocate,
  type CancelStatus,
  type CloseSessionStatus,
  cancelStatuses,
  closeSessionStatuses,
  type FlightData,
  type FlightDataOut,
  type FlightDescriptor,
  type FlightEndpoint,
  type FlightInfo,
  type FlightInfoOut,
  forCommand,
  forPath,
  type IncomingMessages,
  type PollInfo,
  type PollInfoOut,
  type Responses,
  type SessionOptionError,
  type SessionOptionValue,
  type Streamable,
  sessionOptionErrors,
} from "./messages.js";
export type {
  CallEnd,
  ClientCall,
  ClientCallObserver,
  ClientMiddleware,
  HeaderPart,
  ServerMiddleware,
} from "./middleware.js";
export { type BasicAuth, encodeBasicAuth } from "./protocol/basic-auth.js";
export { type EndpointOptions, readEndpoints } from "./read-endpoints.js";
export { type AnyColumns, packSchema, requireSchema, schemaOf, unpackSchema } from "./schema.js";
export { equalSecrets } from "./secret.js";
export { FlightServer, type FlightServerOptions } from "./server.js";
export { FlightSessions, type FlightSessionsOptions } from "./session.js";
export { allocateShared } from "./shared-memory.js";
export type { ClientTls, Pem, ServerTls } from "./tls.js";
