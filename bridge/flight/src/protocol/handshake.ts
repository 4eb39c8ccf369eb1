import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** HandshakeRequest and HandshakeResponse are one message by two names; the protocol's version is 0. */
export function encodeHandshake(payload: Uint8Array): Uint8Array {
  return new ProtoWriter().bytes(2, payload).finish();
}

/** The inverse of encodeHandshake: a view of the payload. */
export function decodeHandshake(message: Uint8Array): Uint8Array {
  const reader = new ProtoReader(message);
  let payload: Uint8Array = message.subarray(0, 0);
  while (reader.next()) {
    if (reader.field === 2) payload = reader.bytes();
    else reader.skip();
  }
  return payload;
}
