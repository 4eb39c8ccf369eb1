import { readdirSync } from "node:fs";
import path from "node:path";
import { FlightError } from "arrow-flight-node";
import {
  decodeAction,
  decodeActionType,
  decodeDescriptor,
  decodeEndpoint,
  decodeFlightData,
  decodeHandshake,
  decodeInfo,
  decodePollInfo,
  decodeSessionErrors,
  decodeSessionOptions,
  encodeAction,
  encodeActionType,
  encodeDescriptor,
  encodeEndpoint,
  encodeFlightData,
  encodeHandshake,
  encodeInfo,
  encodePollInfo,
  encodeSessionErrors,
  encodeSessionOptions,
  unwrapBytes,
  wrapBytes,
} from "arrow-flight-node/protocol";
import { fixtures, readFixture } from "../flight/fixtures.js";
import type { Sample } from "./damage.js";
import type { FuzzRoom } from "./room.js";

interface Kind {
  decode(bytes: Uint8Array): unknown;
  encode(value: never): Uint8Array;
  /** Whether witness.py knows it. */
  foreign?: boolean;
}

/** The message of a frame, without the frame's header. */
const unframed = (pieces: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(pieces).subarray(5));

/** Every message of the protocol: how it is read, and written again. */
const kinds: Record<string, Kind> = {
  ticket: { decode: unwrapBytes, encode: wrapBytes, foreign: true },
  result: { decode: unwrapBytes, encode: wrapBytes, foreign: true },
  descriptor: { decode: decodeDescriptor, encode: encodeDescriptor, foreign: true },
  endpoint: { decode: decodeEndpoint, encode: encodeEndpoint, foreign: true },
  info: { decode: decodeInfo, encode: encodeInfo, foreign: true },
  action: { decode: decodeAction, encode: encodeAction, foreign: true },
  "action-type": { decode: decodeActionType, encode: encodeActionType },
  "poll-info": { decode: decodePollInfo, encode: encodePollInfo },
  "session-options": { decode: decodeSessionOptions, encode: encodeSessionOptions },
  "session-errors": { decode: decodeSessionErrors, encode: encodeSessionErrors },
  handshake: { decode: decodeHandshake, encode: encodeHandshake },
  "flight-data": {
    decode: (bytes) => ({ ...decodeFlightData(bytes), bytes: undefined }),
    encode: (data) => unframed(encodeFlightData(data)),
  },
};

const written = readdirSync(path.join(fixtures, "proto")).map((name) => {
  const kind = name.replace(".bin", "").replace(/^(descriptor|info)-.*/, "$1");
  return { name: kind === "schema-result" ? "ticket" : kind, bytes: new Uint8Array(readFixture(`proto/${name}`)) };
});
const info = written.find(({ name }) => name === "info")!.bytes;
const made: Sample[] = [
  { name: "action-type", bytes: encodeActionType({ type: "seal", description: "closes a dataset" }) },
  {
    name: "poll-info",
    bytes: encodePollInfo({
      info: decodeInfo(info),
      descriptor: { type: "command", command: Uint8Array.of(1, 2) },
      progress: 0.5,
      expirationTime: new Date(1.7e12),
    }),
  },
  {
    name: "session-options",
    bytes: encodeSessionOptions(
      new Map<string, string | boolean | bigint | number | string[] | undefined>([
        ["text", "value"],
        ["flag", true],
        ["count", -5n],
        ["rate", 1.5],
        ["list", ["a", "b"]],
        ["gone", undefined],
      ]),
    ),
  },
  { name: "session-errors", bytes: encodeSessionErrors(new Map([["text", "INVALID_VALUE"]])) },
  { name: "handshake", bytes: encodeHandshake(Uint8Array.of(1, 2, 3)) },
  {
    name: "flight-data",
    bytes: unframed(
      encodeFlightData({
        descriptor: { type: "path", path: ["a", "b"] },
        header: new Uint8Array(24),
        appMetadata: Uint8Array.of(7),
        body: new Uint8Array(64),
      }),
    ),
  },
];

/**
 * Flight's protobuf messages. What pyarrow's protobuf calls no message is refused here, what both read has the same values, and
 * what is read and written again is read as the same.
 */
export const protobufRoom: FuzzRoom = {
  name: "protobuf",
  samples: [...written, ...made],
  judge({ sample, bytes }) {
    const { decode, encode } = kinds[sample]!;
    try {
      const value = decode(bytes);
      const again = comparable(plain(decode(encode(value as never))));
      if (again !== comparable(plain(value))) throw new Error(`${comparable(plain(value))} is read again as ${again}`);
      return { value: plain(value) };
    } catch (reason) {
      if (reason instanceof FlightError) return { refused: reason.code };
      throw reason;
    }
  },
  witness: ({ sample }) => (kinds[sample]!.foreign ? sample : undefined),
  disagreement(answer, witness) {
    if (witness === undefined || !("value" in answer)) return undefined;
    if ("refused" in witness) return witness.sure ? `pyarrow refuses it: ${witness.refused}` : undefined;
    const times = timesOf(answer.value).every((time) => Math.abs(time) < widestTime);
    const [ours, theirs] = [answer.value, witness.value].map((value) =>
      comparable(times ? value : withoutTimes(value)),
    );
    return ours === theirs ? undefined : `pyarrow reads ${theirs}, not ${ours}`;
  },
};

/** Values as JSON: bytes as hex, dates as milliseconds, maps as pairs. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : value.getTime();
  if (value instanceof Map) return [...value].map(plain);
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, inner]) => (inner === undefined ? [] : [[key, plain(inner)]])),
    );
  }
  if (Object.is(value, -0)) return "-0";
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/** In milliseconds; beyond, pyarrow's 64 bits of nanoseconds overflow. */
const widestTime = 9.2e12;

function timesOf(value: unknown): number[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => (key === "expirationTime" ? [Number(each)] : timesOf(each)));
}

function withoutTimes(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (key, each: unknown) => (key === "expirationTime" ? undefined : each)));
}

/** JSON in which what is left out is what protobuf's defaults are: keys in order, nothing that is empty, zero or false. */
function comparable(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    const entries = Object.entries(inner).filter(
      ([key, each]) => key !== "schema" && each !== null && each !== "" && each !== 0 && each !== false,
    );
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
