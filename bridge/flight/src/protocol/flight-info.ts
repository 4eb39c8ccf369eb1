import type { FlightEndpoint, FlightInfo, FlightInfoOut } from "../messages.js";
import { decodeDescriptor, encodeDescriptor } from "./descriptor.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";
import { decodeTimestamp, encodeTimestamp } from "./timestamp.js";
import { unwrapBytes, wrapBytes } from "./wrapped-bytes.js";

export function encodeInfo(info: FlightInfoOut): Uint8Array {
  const writer = new ProtoWriter().bytes(1, info.schema);
  if (info.descriptor !== undefined) writer.message(2, encodeDescriptor(info.descriptor));
  for (const endpoint of info.endpoints) writer.message(3, encodeEndpoint(endpoint));
  return writer
    .integer(4, info.totalRecords ?? -1)
    .integer(5, info.totalBytes ?? -1)
    .boolean(6, info.ordered)
    .bytes(7, info.appMetadata)
    .finish();
}

export function decodeInfo(bytes: Uint8Array): FlightInfo {
  const reader = new ProtoReader(bytes);
  const info: FlightInfo = { endpoints: [], totalRecords: 0, totalBytes: 0 };
  let descriptor: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) info.schema = reader.bytes();
    else if (reader.field === 2) descriptor = reader.message(descriptor);
    else if (reader.field === 3) info.endpoints.push(decodeEndpoint(reader.bytes()));
    else if (reader.field === 4) info.totalRecords = reader.integer();
    else if (reader.field === 5) info.totalBytes = reader.integer();
    else if (reader.field === 6) info.ordered = reader.integer() !== 0;
    else if (reader.field === 7) info.appMetadata = reader.bytes();
    else reader.skip();
  }
  if (descriptor !== undefined) info.descriptor = decodeDescriptor(descriptor);
  return info;
}

export function encodeEndpoint(endpoint: FlightEndpoint): Uint8Array {
  const writer = new ProtoWriter().message(1, wrapBytes(endpoint.ticket));
  for (const uri of endpoint.locations ?? []) writer.message(2, new ProtoWriter().string(1, uri).finish());
  if (endpoint.expirationTime !== undefined) writer.message(3, encodeTimestamp(endpoint.expirationTime));
  return writer.bytes(4, endpoint.appMetadata).finish();
}

export function decodeEndpoint(bytes: Uint8Array): FlightEndpoint {
  const reader = new ProtoReader(bytes);
  const locations: string[] = [];
  const endpoint: FlightEndpoint = { ticket: new Uint8Array(0), locations };
  let ticket: Uint8Array | undefined;
  let expiration: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) ticket = reader.message(ticket);
    else if (reader.field === 2) locations.push(decodeLocation(reader.bytes()));
    else if (reader.field === 3) expiration = reader.message(expiration);
    else if (reader.field === 4) endpoint.appMetadata = reader.bytes();
    else reader.skip();
  }
  if (ticket !== undefined) endpoint.ticket = unwrapBytes(ticket);
  if (expiration !== undefined) endpoint.expirationTime = decodeTimestamp(expiration);
  return endpoint;
}

function decodeLocation(bytes: Uint8Array): string {
  const reader = new ProtoReader(bytes);
  let uri = "";
  while (reader.next()) {
    if (reader.field === 1) uri = reader.string();
    else reader.skip();
  }
  return uri;
}
