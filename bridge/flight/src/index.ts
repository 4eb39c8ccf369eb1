export { type BatchSource, type BatchStream, decodeBatches, encodeBatches } from "./batches.js";
export { type CallOptions, FlightClient, type FlightClientOptions } from "./client.js";
export { createCookieJar } from "./cookie-jar.js";
export { FlightError, type FlightErrorCode, type FlightErrorOptions, flightErrorCodes } from "./error.js";
export type { FlightHandlers, ServerCall } from "./handlers.js";
export type {
  Action,
  ActionType,
  Allocate,
  CancelStatus,
  CloseSessionStatus,
  FlightData,
  FlightDataOut,
  FlightDescriptor,
  FlightEndpoint,
  FlightInfo,
  IncomingMessages,
  PollInfo,
  SessionOptionError,
  SessionOptionValue,
  Streamable,
} from "./messages.js";
export type { ClientCall, ClientCallObserver, ClientMiddleware, ServerMiddleware } from "./middleware.js";
export { readEndpoints } from "./read-endpoints.js";
export { FlightServer, type FlightServerOptions } from "./server.js";
export { FlightSessions, type FlightSessionsOptions } from "./session.js";
export type { ClientTls, Pem, ServerTls } from "./tls.js";
