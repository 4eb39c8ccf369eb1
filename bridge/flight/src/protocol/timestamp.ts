import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** A point in time as google.protobuf.Timestamp. */
export function encodeTimestamp(time: Date): Uint8Array {
  const seconds = Math.floor(time.getTime() / 1000);
  return new ProtoWriter()
    .integer(1, seconds)
    .integer(2, (time.getTime() - seconds * 1000) * 1e6)
    .finish();
}

/** The inverse of encodeTimestamp, to the millisecond: a Date has no more. */
export function decodeTimestamp(bytes: Uint8Array): Date {
  const reader = new ProtoReader(bytes);
  let milliseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) milliseconds += reader.integer() * 1000;
    else if (reader.field === 2) milliseconds += reader.integer() / 1e6;
    else reader.skip();
  }
  return new Date(milliseconds);
}
