// The wire without sockets: Flight's messages and gRPC's frames as pure functions, for other transports and for tests.
// What is here follows the package's insides and not semantic versioning.
export { decodeAction, decodeActionType, encodeAction, encodeActionType } from "./action.js";
export { decodeBasicAuth, encodeBasicAuth, formatBasic, parseBasic } from "./basic-auth.js";
export { parseCookies, parseSetCookies } from "./cookie.js";
export { copyBytes } from "./copy-bytes.js";
export { decodeDescriptor, encodeDescriptor } from "./descriptor.js";
export { decodeFlightData, encodeFlightData } from "./flight-data.js";
export { decodeEndpoint, decodeInfo, encodeEndpoint, encodeInfo } from "./flight-info.js";
export { allocateAligned, type Frame, FrameAssembler, frame } from "./grpc-frame.js";
export { decodeHandshake, encodeHandshake } from "./handshake.js";
export { formatLocation, isLoopback, parseLocation } from "./location.js";
export { decodePollInfo, encodePollInfo } from "./poll-info.js";
export { type FlightMethod, flightMethods, flightService, methodPath } from "./service.js";
export {
  decodeSessionErrors,
  decodeSessionOptions,
  encodeSessionErrors,
  encodeSessionOptions,
} from "./session-options.js";
export { decodeStatus, encodeStatus, percentDecode, percentEncode } from "./status.js";
export { formatTimeout, parseTimeout } from "./timeout.js";
export { unwrapBytes, wrapBytes } from "./wrapped-bytes.js";
