import { FlightError } from "../error.js";
import { malformed } from "./flatbuffer.js";
import { readMessage } from "./read-message.js";

const continuation = 0xffffffff;
const nothing = new Uint8Array(0);

/** One IPC message: its flatbuffer, and its body as it lies in memory. */
export interface IpcMessage {
  header: Uint8Array;
  body: Uint8Array;
}

/** One IPC message to be sent; the body may lie in pieces. */
export interface IpcMessageOut {
  header: Uint8Array;
  body: Uint8Array | readonly Uint8Array[];
}

/** Returns the header in the form of IPC streams and files: continuation mark, length, flatbuffer, padding to 8 bytes. The body comes after it. */
export function encapsulate(header: Uint8Array): Uint8Array {
  const padded = (header.byteLength + 7) & ~7;
  const bytes = new Uint8Array(8 + padded);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, continuation, true);
  view.setInt32(4, padded, true);
  bytes.set(header, 8);
  return bytes;
}

/**
 * Opens the encapsulated message at `offset`: a view of its header and of its body, and where the next one begins. Returns
 * undefined at the end of the stream. Throws INVALID_ARGUMENT when the bytes break off or are no message.
 */
export function decapsulate(bytes: Uint8Array, offset = 0): (IpcMessage & { end: number }) | undefined {
  if (offset === bytes.byteLength) return undefined;
  const opened = openHeader(bytes, offset);
  if (opened === undefined) return undefined;
  const { bodyLength } = readMessage(opened.header);
  const end = opened.end + bodyLength;
  if (end > bytes.byteLength) throw brokenOff();
  return { header: opened.header, body: bytes.subarray(opened.end, end), end };
}

/** A schema's header as FlightInfo and SchemaResult carry it: as an encapsulated IPC message. */
export function encapsulateSchema(header: Uint8Array): Uint8Array {
  return encapsulate(header);
}

/**
 * The schema's header, from an encapsulated IPC message. Throws INVALID_ARGUMENT when it is anything else than one schema.
 */
export function decapsulateSchema(bytes: Uint8Array): Uint8Array {
  const message = decapsulate(bytes);
  if (message === undefined || readMessage(message.header).kind !== "schema") {
    throw new FlightError("INVALID_ARGUMENT", "The bytes are no encapsulated schema message.", {
      hint: "Pass FlightInfo.schema or the result of getSchema as it came.",
    });
  }
  return message.header;
}

/** The messages of an IPC stream that lies in memory, as views of it: the schema first. Throws INVALID_ARGUMENT for a stream that breaks off. */
export function* splitStream(bytes: Uint8Array): Generator<IpcMessage> {
  for (let next = decapsulate(bytes); next !== undefined; next = decapsulate(bytes, next.end)) {
    yield { header: next.header, body: next.body };
  }
}

/** The pieces of an IPC stream: each message encapsulated, and the end mark. */
export function* joinStream(messages: Iterable<IpcMessageOut>): Generator<Uint8Array> {
  for (const { header, body } of messages) {
    yield encapsulate(header);
    if (body instanceof Uint8Array) yield body;
    else yield* body;
  }
  const end = encapsulate(nothing);
  yield end;
}

function openHeader(bytes: Uint8Array, offset: number): { header: Uint8Array; end: number } | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (offset + 4 > bytes.byteLength) throw brokenOff();
  let start = offset + 4;
  let length = view.getInt32(offset, true);
  if (length === -1) {
    if (start + 4 > bytes.byteLength) throw brokenOff();
    length = view.getInt32(start, true);
    start += 4;
  }
  if (length === 0) return undefined;
  if (length < 0) throw malformed(`gives ${length} as the length of its header`);
  if (start + length > bytes.byteLength) throw brokenOff();
  return { header: bytes.subarray(start, start + length), end: start + length };
}

/** A stream that ends inside a message: INVALID_ARGUMENT. */
export function brokenOff(): FlightError {
  return new FlightError("INVALID_ARGUMENT", "The IPC stream breaks off inside a message.", {
    hint: "Read it again from its source: its end is missing.",
  });
}
