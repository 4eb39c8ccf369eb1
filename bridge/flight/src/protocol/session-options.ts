import { FlightError } from "../error.js";
import { type SessionOptionError, type SessionOptionValue, sessionOptionErrors } from "../messages.js";
import { ProtoReader, ProtoWriter } from "./protobuf.js";

/** SetSessionOptionsRequest and GetSessionOptionsResult are one message by two names. */
export function encodeSessionOptions(options: ReadonlyMap<string, SessionOptionValue | undefined>): Uint8Array {
  const writer = new ProtoWriter();
  for (const [name, value] of options) writer.message(1, encodeEntry(name, encodeValue(value)));
  return writer.finish();
}

/** A value of no kind, which asks to erase the option, is undefined. */
export function decodeSessionOptions(bytes: Uint8Array): Map<string, SessionOptionValue | undefined> {
  return decodeMap(bytes, decodeValue);
}

export function encodeSessionErrors(errors: ReadonlyMap<string, SessionOptionError>): Uint8Array {
  const writer = new ProtoWriter();
  for (const [name, error] of errors) {
    const value = new ProtoWriter().integer(1, sessionOptionErrors.indexOf(error)).finish();
    writer.message(1, encodeEntry(name, value));
  }
  return writer.finish();
}

export function decodeSessionErrors(bytes: Uint8Array): Map<string, SessionOptionError> {
  return decodeMap(bytes, (value) => {
    const reader = new ProtoReader(value);
    let error = 0;
    while (reader.next()) {
      if (reader.field === 1) error = reader.integer();
      else reader.skip();
    }
    return sessionOptionErrors[error] ?? "UNSPECIFIED";
  });
}

function encodeEntry(name: string, value: Uint8Array): Uint8Array {
  return new ProtoWriter().string(1, name).message(2, value).finish();
}

function decodeMap<T>(bytes: Uint8Array, decode: (value: Uint8Array) => T): Map<string, T> {
  const reader = new ProtoReader(bytes);
  const map = new Map<string, T>();
  while (reader.next()) {
    if (reader.field !== 1) {
      reader.skip();
      continue;
    }
    const entry = new ProtoReader(reader.bytes());
    let name = "";
    let value: Uint8Array | undefined;
    while (entry.next()) {
      if (entry.field === 1) name = entry.string();
      else if (entry.field === 2) value = entry.message(value);
      else entry.skip();
    }
    map.set(name, decode(value ?? new Uint8Array(0)));
  }
  return map;
}

function encodeValue(value: SessionOptionValue | undefined): Uint8Array {
  const writer = new ProtoWriter();
  if (typeof value === "string") writer.message(1, Buffer.from(value));
  else if (typeof value === "boolean") writer.varint(2, value ? 1 : 0);
  else if (typeof value === "bigint") writer.fixed64(3, int64(value));
  else if (typeof value === "number") writer.double(4, value);
  else if (value !== undefined) {
    const list = new ProtoWriter();
    for (const text of value) list.message(1, Buffer.from(text));
    writer.message(5, list.finish());
  }
  return writer.finish();
}

function decodeValue(bytes: Uint8Array): SessionOptionValue | undefined {
  const reader = new ProtoReader(bytes);
  let value: SessionOptionValue | undefined;
  while (reader.next()) {
    if (reader.field === 1) value = reader.string();
    else if (reader.field === 2) value = reader.integer() !== 0;
    else if (reader.field === 3) value = reader.fixed64();
    else if (reader.field === 4) value = reader.double();
    else if (reader.field === 5) value = decodeList(reader.bytes());
    else reader.skip();
  }
  return value;
}

function decodeList(bytes: Uint8Array): string[] {
  const reader = new ProtoReader(bytes);
  const list: string[] = [];
  while (reader.next()) {
    if (reader.field === 1) list.push(reader.string());
    else reader.skip();
  }
  return list;
}

function int64(value: bigint): bigint {
  if (value === BigInt.asIntN(64, value)) return value;
  throw new FlightError("INVALID_ARGUMENT", `${value} does not fit 64 bits.`, { hint: "Send it as a string." });
}
