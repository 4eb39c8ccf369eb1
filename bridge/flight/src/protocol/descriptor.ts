import { FlightError } from "../error.js";
import type { FlightDescriptor } from "../messages.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

const path = 1;
const command = 2;

export function encodeDescriptor(descriptor: FlightDescriptor): Uint8Array {
  const writer = new ProtoWriter();
  if (descriptor.type === "command") return writer.integer(1, command).bytes(2, descriptor.command).finish();
  writer.integer(1, path);
  for (const name of descriptor.path) writer.message(3, Buffer.from(name));
  return writer.finish();
}

/** Throws INVALID_ARGUMENT for a descriptor that is neither a path nor a command. */
export function decodeDescriptor(bytes: Uint8Array): FlightDescriptor {
  const reader = new ProtoReader(bytes);
  let type = 0;
  let bytesOfCommand: Uint8Array = new Uint8Array(0);
  const names: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) type = reader.integer();
    else if (reader.field === 2) bytesOfCommand = reader.bytes();
    else if (reader.field === 3) names.push(reader.string());
    else reader.skip();
  }
  if (type === command) return { type: "command", command: bytesOfCommand };
  if (type === path) return { type: "path", path: names };
  throw new FlightError("INVALID_ARGUMENT", `The descriptor is of the unknown type ${type}.`, {
    hint: "Use a path or a command.",
  });
}
