import { FlightError } from "../error.js";
import type { FlightData, FlightDataOut } from "../messages.js";
import { decodeDescriptor, encodeDescriptor } from "./descriptor.js";
import { type Frame, frameHeaderLength, putFrameHeader } from "./grpc-frame.js";
import { ProtoReader, putVarint, varintLength } from "./protobuf.js";

const fields = { descriptor: 1, header: 2, appMetadata: 3, body: 1000 };
const bodyTag = fields.body * 8 + 2;

/** Opens one FlightData message: the fields are views of `bytes`. */
export function decodeFlightData(bytes: Uint8Array): FlightData {
  const nothing = bytes.subarray(0, 0);
  const data: FlightData = { descriptor: undefined, header: nothing, appMetadata: nothing, body: nothing, bytes };
  let descriptor: Uint8Array | undefined;
  const reader = new ProtoReader(bytes);
  while (reader.next()) {
    if (reader.field === fields.body) data.body = reader.bytes();
    else if (reader.field === fields.header) data.header = reader.bytes();
    else if (reader.field === fields.appMetadata) data.appMetadata = reader.bytes();
    else if (reader.field === fields.descriptor) descriptor = reader.message(descriptor);
    else reader.skip();
  }
  if (descriptor !== undefined) data.descriptor = decodeDescriptor(descriptor);
  return data;
}

/**
 * One FlightData message as a gRPC frame: a first piece with everything up to the body, then the body's own pieces,
 * uncopied. The body comes last, as every Flight implementation writes it, so that a receiver can align it.
 */
export function encodeFlightData(data: FlightDataOut): Frame {
  if ((data.header ?? data.appMetadata ?? data.body ?? data.descriptor) === undefined) throw nothingToSend();
  const descriptor = data.descriptor === undefined ? undefined : encodeDescriptor(data.descriptor);
  const body = data.body === undefined ? [] : data.body instanceof Uint8Array ? [data.body] : data.body;
  let bodyLength = 0;
  for (const piece of body) bodyLength += piece.byteLength;

  let length = fieldLength(descriptor) + fieldLength(data.header) + fieldLength(data.appMetadata);
  if (bodyLength > 0) length += varintLength(bodyTag) + varintLength(bodyLength);
  const first = Buffer.allocUnsafe(frameHeaderLength + length);
  let at = putFrameHeader(first, length + bodyLength);
  at = putField(first, at, fields.descriptor, descriptor);
  at = putField(first, at, fields.header, data.header);
  at = putField(first, at, fields.appMetadata, data.appMetadata);
  if (bodyLength > 0) putVarint(first, putVarint(first, at, bodyTag), bodyLength);
  return [first, ...body];
}

/** The fields before the body have one-byte tags. */
function fieldLength(value: Uint8Array | undefined): number {
  return value === undefined || value.byteLength === 0 ? 0 : 1 + varintLength(value.byteLength) + value.byteLength;
}

function putField(into: Uint8Array, at: number, field: number, value: Uint8Array | undefined): number {
  if (value === undefined || value.byteLength === 0) return at;
  const start = putVarint(into, putVarint(into, at, field * 8 + 2), value.byteLength);
  into.set(value, start);
  return start + value.byteLength;
}

/** The rows of a table, say, would go out as so many empty messages. */
function nothingToSend(): FlightError {
  return new FlightError(
    "INVALID_ARGUMENT",
    "What was to be sent is no message: it has no header, body, or app_metadata.",
    {
      hint: "Make messages of tables and record batches by encodeBatches.",
    },
  );
}
