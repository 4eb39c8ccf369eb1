import { FlightError } from "../error.js";

/** Names that HTTP/2 or gRPC uses itself, or that HTTP/2 forbids. */
const reserved = new Set([
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-accept-encoding",
  "content-type",
  "content-length",
  "te",
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

/** Header values of a name that ends in "-bin": each value as base64, without padding, as gRPC recommends. */
export function encodeBinaryHeader(...values: readonly Uint8Array[]): string {
  return values.map((value) => view(value).toString("base64").replace(/=+$/, "")).join(",");
}

/** The values of a header whose name ends in "-bin", with or without padding. A peer's header of several values is joined by commas. */
export function decodeBinaryHeader(header: string): Uint8Array[] {
  return header.split(",").map((value) => Buffer.from(value.trim(), "base64"));
}

/**
 * Throws INVALID_ARGUMENT for a header that cannot be sent: names are lower-case letters, digits, "_", "-" and "."; values are
 * printable ASCII, or base64 where the name ends in "-bin".
 */
export function checkHeader(name: string, value: string): void {
  if (!/^[0-9a-z_.-]+$/.test(name)) {
    throw refuse(name, "is no name for a header", 'Use lower-case letters, digits, "_", "-" and ".".');
  }
  if (reserved.has(name)) throw refuse(name, "belongs to the transport", "Choose another name.");
  const binary = name.endsWith("-bin");
  if (binary ? /^[A-Za-z0-9+/=, ]*$/.test(value) : /^[\x20-\x7e]*$/.test(value)) return;
  throw refuse(
    name,
    binary ? "has a value that is no base64" : "has a value beyond printable ASCII",
    binary ? "Encode the bytes by encodeBinaryHeader." : 'Encode it, or send bytes under a name that ends in "-bin".',
  );
}

function view(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function refuse(name: string, what: string, hint: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `The header ${JSON.stringify(name)} ${what}.`, { hint });
}
