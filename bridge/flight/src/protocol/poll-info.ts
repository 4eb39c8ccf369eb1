import type { PollInfo } from "../messages.js";
import { decodeDescriptor, encodeDescriptor } from "./descriptor.js";
import { decodeInfo, encodeInfo } from "./flight-info.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";
import { decodeTimestamp, encodeTimestamp } from "./timestamp.js";

export function encodePollInfo(poll: PollInfo): Uint8Array {
  const writer = new ProtoWriter();
  if (poll.info !== undefined) writer.message(1, encodeInfo(poll.info));
  if (poll.descriptor !== undefined) writer.message(2, encodeDescriptor(poll.descriptor));
  if (poll.progress !== undefined) writer.double(3, poll.progress);
  if (poll.expirationTime !== undefined) writer.message(4, encodeTimestamp(poll.expirationTime));
  return writer.finish();
}

export function decodePollInfo(bytes: Uint8Array): PollInfo {
  const reader = new ProtoReader(bytes);
  const poll: PollInfo = {};
  while (reader.next()) {
    if (reader.field === 1) poll.info = decodeInfo(reader.bytes());
    else if (reader.field === 2) poll.descriptor = decodeDescriptor(reader.bytes());
    else if (reader.field === 3) poll.progress = reader.double();
    else if (reader.field === 4) poll.expirationTime = decodeTimestamp(reader.bytes());
    else reader.skip();
  }
  return poll;
}
