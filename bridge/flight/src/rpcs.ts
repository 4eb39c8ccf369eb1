import { decodeAction, decodeActionType, encodeAction, encodeActionType } from "./protocol/action.js";
import { decodeDescriptor, encodeDescriptor } from "./protocol/descriptor.js";
import { decodeFlightData, encodeFlightData } from "./protocol/flight-data.js";
import { decodeInfo, encodeInfo } from "./protocol/flight-info.js";
import { frame } from "./protocol/grpc-frame.js";
import { decodeHandshake, encodeHandshake } from "./protocol/handshake.js";
import { decodePollInfo, encodePollInfo } from "./protocol/poll-info.js";
import { type FlightMethod, methodPath } from "./protocol/service.js";
import { unwrapBytes, wrapBytes } from "./protocol/wrapped-bytes.js";
import type { Codec } from "./rpc.js";

const bytes = codec(wrapBytes, unwrapBytes);
const payload = codec(encodeHandshake, decodeHandshake);
const descriptor = codec(encodeDescriptor, decodeDescriptor);
const info = codec(encodeInfo, decodeInfo);
const pollInfo = codec(encodePollInfo, decodePollInfo);
const action = codec(encodeAction, decodeAction);
const actionType = codec(encodeActionType, decodeActionType);
const nothing: Codec<void> = { encode: () => frame(new Uint8Array(0)), decode: () => {} };
/** As a frame of its own making: the body is not copied. */
const data = { encode: encodeFlightData, decode: decodeFlightData };

/** Flight's RPCs. */
export const rpcs = {
  handshake: streamToStream("Handshake", payload, payload),
  listFlights: oneToStream("ListFlights", bytes, info),
  getFlightInfo: oneToOne("GetFlightInfo", descriptor, info),
  pollFlightInfo: oneToOne("PollFlightInfo", descriptor, pollInfo),
  getSchema: oneToOne("GetSchema", descriptor, bytes),
  doGet: oneToStream("DoGet", bytes, data),
  doPut: streamToStream("DoPut", data, bytes),
  doExchange: streamToStream("DoExchange", data, data),
  doAction: oneToStream("DoAction", action, bytes),
  listActions: oneToStream("ListActions", nothing, actionType),
} as const;

function codec<Sent, Received>(
  encode: (message: Sent) => Uint8Array,
  decode: (bytes: Uint8Array) => Received,
): Codec<Sent, Received> {
  return { encode: (message) => frame(encode(message)), decode };
}

function oneToOne<Request, Response>(method: FlightMethod, request: Request, response: Response) {
  return { path: methodPath(method), requestStream: false, responseStream: false, request, response } as const;
}

function oneToStream<Request, Response>(method: FlightMethod, request: Request, response: Response) {
  return { path: methodPath(method), requestStream: false, responseStream: true, request, response } as const;
}

function streamToStream<Request, Response>(method: FlightMethod, request: Request, response: Response) {
  return { path: methodPath(method), requestStream: true, responseStream: true, request, response } as const;
}
