import type { PollInfo, PollInfoOut } from "../messages.js";
import { decodeDescriptor, encodeDescriptor } from "./descriptor.js";
import { decodeInfo, encodeInfo } from "./flight-info.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";
import { decodeTimestamp, encodeTimestamp } from "./timestamp.js";

export function encodePollInfo(poll: PollInfoOut): Uint8Array {
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
  let info: Uint8Array | undefined;
  let descriptor: Uint8Array | undefined;
  let expiration: Uint8Array | undefined;
  while (reader.next()) {
    if (reader.field === 1) info = reader.message(info);
    else if (reader.field === 2) descriptor = reader.message(descriptor);
    else if (reader.field === 3) poll.progress = reader.double();
    else if (reader.field === 4) expiration = reader.message(expiration);
    else reader.skip();
  }
  if (info !== undefined) poll.info = decodeInfo(info);
  if (descriptor !== undefined) poll.descriptor = decodeDescriptor(descriptor);
  if (expiration !== undefined) poll.expirationTime = decodeTimestamp(expiration);
  return poll;
}
