import type { FlightEndpoint, FlightInfo } from "../messages.js";
import { decodeEndpoint, decodeInfo, encodeEndpoint, encodeInfo } from "./flight-info.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** CancelFlightInfoRequest: the info in field 1. */
export function encodeCancelRequest(info: FlightInfo): Uint8Array {
  return new ProtoWriter().message(1, encodeInfo(info)).finish();
}

export function decodeCancelRequest(bytes: Uint8Array): FlightInfo {
  return decodeInfo(firstField(bytes));
}

/** RenewFlightEndpointRequest: the endpoint in field 1. */
export function encodeRenewRequest(endpoint: FlightEndpoint): Uint8Array {
  return new ProtoWriter().message(1, encodeEndpoint(endpoint)).finish();
}

export function decodeRenewRequest(bytes: Uint8Array): FlightEndpoint {
  return decodeEndpoint(firstField(bytes));
}

/** CancelFlightInfoResult and CloseSessionResult: one of `names`, by its number, in field 1. */
export function encodeOutcome<T extends string>(names: readonly T[], name: T): Uint8Array {
  return new ProtoWriter().integer(1, names.indexOf(name)).finish();
}

/** The inverse of encodeOutcome; a number that has no name is the first, UNSPECIFIED. */
export function decodeOutcome<T extends string>(names: readonly [T, ...T[]], bytes: Uint8Array): T {
  const reader = new ProtoReader(bytes);
  let number = 0;
  while (reader.next()) {
    if (reader.field === 1) number = reader.integer();
    else reader.skip();
  }
  return names[number] ?? names[0];
}

function firstField(bytes: Uint8Array): Uint8Array {
  const reader = new ProtoReader(bytes);
  let value: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) value = reader.message(value);
    else reader.skip();
  }
  return value ?? new Uint8Array(0);
}
