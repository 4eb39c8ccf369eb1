import { FlightError } from "../error.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** A name and its password. */
export interface BasicAuth {
  username: string;
  password: string;
}

/** Flight's message BasicAuth, the payload of a handshake by which most servers take a password. */
export function encodeBasicAuth({ username, password }: BasicAuth): Uint8Array {
  return new ProtoWriter().string(2, username).string(3, password).finish();
}

/** The inverse of encodeBasicAuth. Throws INVALID_ARGUMENT for what is no protobuf message. */
export function decodeBasicAuth(payload: Uint8Array): BasicAuth {
  const reader = new ProtoReader(payload);
  const basic = { username: "", password: "" };
  while (reader.next()) {
    if (reader.field === 2) basic.username = reader.string();
    else if (reader.field === 3) basic.password = reader.string();
    else reader.skip();
  }
  return basic;
}

/** The value of an `authorization` header of the scheme Basic. Throws INVALID_ARGUMENT for a name with a colon. */
export function formatBasic({ username, password }: BasicAuth): string {
  if (!username.includes(":")) return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  throw new FlightError("INVALID_ARGUMENT", `The name "${username}" cannot be sent: it has a colon.`, {
    hint: "Use another name, or a handshake with encodeBasicAuth.",
  });
}

/** Reads what formatBasic writes; undefined for another scheme, and for what is no name and password. */
export function parseBasic(header: string): BasicAuth | undefined {
  const encoded = /^basic +([a-z0-9+/=_-]+) *$/i.exec(header)?.[1];
  const [, username, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? "", "base64").toString()) ?? [];
  return username === undefined || password === undefined ? undefined : { username, password };
}
