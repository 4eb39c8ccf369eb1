import type { FlightDescriptor } from "arrow-flight-node";
import { RayflightError } from "../../src/error.js";

/**
 * What travels inside Flight's opaque fields, as JSON: commands of descriptors, tickets, bodies of actions, and the
 * application metadata of DoPut. Every reader here checks what a peer sent and throws INVALID_ARGUMENT on the rest.
 */

/** A DoPut of one attempt at one part of a transaction. */
export interface PutCommand {
  transaction: string;
  dataset: string;
  part: string;
  attempt: number;
}

/** What DoPut writes to: a part of somebody's transaction, or a whole dataset in a transaction of its own. */
export type PutTarget = { kind: "part"; command: PutCommand } | { kind: "dataset"; dataset: string };

/** The message without data that ends a part: only a part that has it is complete. */
export interface EndMarker {
  rows: number;
}

/** What GetFlightInfo and GetSchema describe. */
export type InfoTarget =
  | { kind: "dataset"; dataset: string; version?: number; follow: boolean }
  | { kind: "state"; table: string };

/** What DoGet serves. `messages` pins a snapshot of a stream that may still grow. */
export type Ticket =
  | { kind: "part"; dataset: string; version: number; part: number }
  | { kind: "snapshot"; dataset: string; version: number; messages: number }
  | { kind: "follow"; dataset: string }
  | { kind: "state"; table: string };

type JsonObject = Readonly<Record<string, unknown>>;

const text = new TextDecoder();

/** Parses a JSON object out of an opaque field; `what` names the field in the message of a failure. */
export function parseJson(bytes: Uint8Array, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text.decode(bytes));
  } catch (cause) {
    throw new RayflightError("INVALID_ARGUMENT", `The ${what} is not JSON.`, {
      cause,
      hint: "Send a JSON object in UTF-8, as the Spark data source does.",
    });
  }
  return asObject(value, what);
}

/** A JSON value that must be an object. */
export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new RayflightError("INVALID_ARGUMENT", `The ${what} is not a JSON object.`, { hint: "Wrap it in braces." });
}

/** The bytes of a JSON reply. */
export function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function missing(what: string, key: string, wanted: string): RayflightError {
  return new RayflightError("INVALID_ARGUMENT", `The ${what} has no valid "${key}".`, {
    hint: `Give "${key}" as ${wanted}.`,
  });
}

/** A string that must be there and not be empty. */
export function readString(object: JsonObject, key: string, what: string): string {
  const value = object[key];
  if (typeof value !== "string" || value === "") throw missing(what, key, "a string that is not empty");
  return value;
}

/** A whole number from 0 that must be there. */
export function readCount(object: JsonObject, key: string, what: string): number {
  const value = object[key];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw missing(what, key, "a whole number from 0");
  }
  return value;
}

/** A version, or undefined where none is asked for. */
export function readVersion(object: JsonObject, what: string): number | undefined {
  return object.version === undefined || object.version === null ? undefined : readCount(object, "version", what);
}

/** The dataset that a path names: its segments joined by slashes, so `a/b` may come whole or in two segments. */
function datasetOfPath(path: readonly string[]): string {
  const dataset = path.join("/");
  if (dataset === "") {
    throw new RayflightError("INVALID_ARGUMENT", "The descriptor's path is empty.", {
      hint: 'Name a dataset, such as "battery/phase_1".',
    });
  }
  return dataset;
}

function requireDescriptor(descriptor: FlightDescriptor | undefined): FlightDescriptor {
  if (descriptor === undefined) {
    throw new RayflightError("INVALID_ARGUMENT", "The first message carries no descriptor.", {
      hint: "Send a descriptor with the schema: a path, or the JSON command of a part.",
    });
  }
  return descriptor;
}

/** Reads what a DoPut writes to from its first message. */
export function readPutTarget(given: FlightDescriptor | undefined): PutTarget {
  const descriptor = requireDescriptor(given);
  if (descriptor.type === "path") return { kind: "dataset", dataset: datasetOfPath(descriptor.path) };
  const what = "DoPut command";
  const object = parseJson(descriptor.command, what);
  return {
    kind: "part",
    command: {
      transaction: readString(object, "transaction", what),
      dataset: readString(object, "dataset", what),
      part: readString(object, "part", what),
      attempt: readCount(object, "attempt", what),
    },
  };
}

/** Reads the end marker of a part; undefined for application metadata that is not one. */
export function readEndMarker(appMetadata: Uint8Array): EndMarker | undefined {
  const object = parseJson(appMetadata, "application metadata of the part");
  return object.end === true ? { rows: readCount(object, "rows", "end marker") } : undefined;
}

/** Reads what GetFlightInfo or GetSchema asks about. */
export function readInfoTarget(descriptor: FlightDescriptor): InfoTarget {
  if (descriptor.type === "path") {
    const [room, table, ...rest] = descriptor.path.flatMap((segment) => segment.split("/"));
    if (room === "state" && table !== undefined && rest.length === 0) return { kind: "state", table };
    return { kind: "dataset", dataset: datasetOfPath(descriptor.path), follow: false };
  }
  const what = "descriptor's command";
  const object = parseJson(descriptor.command, what);
  const version = readVersion(object, what);
  return {
    kind: "dataset",
    dataset: readString(object, "dataset", what),
    follow: object.follow === true,
    ...(version === undefined ? {} : { version }),
  };
}

/** Writes a ticket. It is opaque to the peer: only `readTicket` reads it. */
export function writeTicket(ticket: Ticket): Uint8Array {
  return toJson(ticket);
}

/** Reads a ticket that this endpoint gave out; also `{"dataset": name, "follow": true}` as a person would write it. */
export function readTicket(bytes: Uint8Array): Ticket {
  const what = "ticket";
  const object = parseJson(bytes, what);
  if (object.kind === "state") return { kind: "state", table: readString(object, "table", what) };
  const dataset = readString(object, "dataset", what);
  if (object.kind === "part") {
    return {
      kind: "part",
      dataset,
      version: readCount(object, "version", what),
      part: readCount(object, "part", what),
    };
  }
  if (object.kind === "snapshot") {
    return {
      kind: "snapshot",
      dataset,
      version: readCount(object, "version", what),
      messages: readCount(object, "messages", what),
    };
  }
  if (object.kind === "follow" || object.follow === true) return { kind: "follow", dataset };
  throw new RayflightError("INVALID_ARGUMENT", "The ticket was not given out by this endpoint.", {
    hint: "Take tickets from GetFlightInfo.",
  });
}
