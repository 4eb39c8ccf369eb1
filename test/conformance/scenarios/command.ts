import type { FlightDescriptor } from "arrow-flight-node";

/** The descriptor of a command that is a word. */
export function command(word: string): FlightDescriptor {
  return { type: "command", command: Buffer.from(word) };
}

/** The word of a descriptor; throws when it is a path. */
export function wordOf(descriptor: FlightDescriptor): string {
  if (descriptor.type === "command") return text(descriptor.command);
  throw new Error(`The descriptor is a path: ${descriptor.path}`);
}

/** Bytes as UTF-8. */
export function text(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
