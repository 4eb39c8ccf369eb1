import { FlightError } from "../error.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** A point in time as google.protobuf.Timestamp. */
export function encodeTimestamp(time: Date): Uint8Array {
  const seconds = Math.floor(time.getTime() / 1000);
  return new ProtoWriter()
    .integer(1, seconds)
    .integer(2, (time.getTime() - seconds * 1000) * 1e6)
    .finish();
}

/** The inverse of encodeTimestamp, to the millisecond: a Date has no more. Throws INVALID_ARGUMENT for what no Date can be. */
export function decodeTimestamp(bytes: Uint8Array): Date {
  const reader = new ProtoReader(bytes);
  let seconds = 0;
  let nanoseconds = 0;
  while (reader.next()) {
    if (reader.field === 1) seconds = reader.integer();
    else if (reader.field === 2) nanoseconds = reader.integer();
    else reader.skip();
  }
  const time = new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
  if (nanoseconds < 0 || nanoseconds >= 1e9 || Number.isNaN(time.getTime())) {
    throw new FlightError("INVALID_ARGUMENT", `The message has the time ${seconds} s and ${nanoseconds} ns.`, {
      hint: "Send nanoseconds below a second, and seconds within 100 million days of 1970.",
    });
  }
  return time;
}
