import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** Ticket, Criteria, SchemaResult, Result and PutResult are one message by five names: bytes in field 1. */
export function wrapBytes(bytes: Uint8Array): Uint8Array {
  return new ProtoWriter().bytes(1, bytes).finish();
}

/** The inverse of wrapBytes: a view of the bytes. */
export function unwrapBytes(message: Uint8Array): Uint8Array {
  const reader = new ProtoReader(message);
  let bytes: Uint8Array = message.subarray(0, 0);
  while (reader.next()) {
    if (reader.field === 1) bytes = reader.bytes();
    else reader.skip();
  }
  return bytes;
}
