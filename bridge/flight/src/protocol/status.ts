import { FlightError, type FlightErrorCode } from "../error.js";
import { decodeBinaryHeader, encodeBinaryHeader } from "./metadata.js";

/** gRPC's status codes by number; 0 is OK. */
const numbers: Record<FlightErrorCode, number> = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

const codes = new Map(Object.entries(numbers).map(([code, number]) => [String(number), code as FlightErrorCode]));

/** What a peer without gRPC, such as a proxy, means by its HTTP status. */
const byHttpStatus: Record<string, FlightErrorCode> = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/** What HTTP/2's code of a reset means, from 0, NO_ERROR, on; gRPC's specification has this table. */
const byHttp2Code: readonly FlightErrorCode[] = [
  "INTERNAL",
  "INTERNAL",
  "INTERNAL",
  "INTERNAL",
  "INTERNAL",
  "UNKNOWN",
  "INTERNAL",
  "UNAVAILABLE",
  "CANCELLED",
  "INTERNAL",
  "INTERNAL",
  "RESOURCE_EXHAUSTED",
  "PERMISSION_DENIED",
  "UNKNOWN",
];

/** The code for a stream that the peer reset with a code of HTTP/2. */
export function codeOfReset(http2Code: number): FlightErrorCode {
  return byHttp2Code[http2Code] ?? "INTERNAL";
}

/** gRPC peers refuse headers of more than 8 KiB in all, so an encoded message is cut about here. */
const longestMessage = 4096;

/** Whether a content-type is gRPC's, of whatever message format; gRPC-Web's is not. */
export function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc($|[+;])/.test(contentType);
}

/**
 * The codes that Arrow's C++ client reads as an IOError, number 5 of its own statuses. It shows details (`extra_info`) of these alone, and only
 * where the server says the number, too.
 */
const inputOutput: ReadonlySet<FlightErrorCode> = new Set([
  "DEADLINE_EXCEEDED",
  "PERMISSION_DENIED",
  "ABORTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
]);

/** The trailers that end a call: with `error`'s status, or with OK. */
export function encodeStatus(error: FlightError | undefined): Record<string, string> {
  if (error === undefined) return { "grpc-status": "0" };
  const trailers: Record<string, string> = {
    "grpc-status": String(numbers[error.code] ?? numbers.UNKNOWN),
    "grpc-message": percentEncode(error.message),
  };
  if (error.details !== undefined) {
    trailers["grpc-status-details-bin"] = encodeBinaryHeader(error.details);
    if (inputOutput.has(error.code)) trailers["x-arrow-status"] = "5";
  }
  return trailers;
}

/** The error that trailers (or a response of headers alone) tell of; undefined for OK. */
export function decodeStatus(headers: Readonly<Record<string, unknown>>): FlightError | undefined {
  const status = headers["grpc-status"];
  if (status === "0") return undefined;
  const message = headers["grpc-message"];
  const details = headers["grpc-status-details-bin"];
  if (status === undefined) return fromHttp(String(headers[":status"]));
  const code = codes.get(String(status)) ?? "UNKNOWN";
  const said = typeof message === "string";
  return new FlightError(code, said ? percentDecode(message) : `The server answered ${code} without a message.`, {
    hint: said ? undefined : "See its log.",
    details: typeof details === "string" ? decodeBinaryHeader(details)[0] : undefined,
  });
}

/** The error for an HTTP response that is not gRPC's. */
export function fromHttp(status: string): FlightError {
  return new FlightError(
    byHttpStatus[status] ?? "UNKNOWN",
    `The server answered HTTP ${status} without a gRPC status.`,
    {
      hint: "Check that the address is a Flight server's, with no HTTP proxy before it.",
    },
  );
}

/** gRPC's form of a status message: printable ASCII, everything else percent-encoded as UTF-8. */
export function percentEncode(message: string): string {
  let encoded = "";
  for (const byte of Buffer.from(message)) {
    if (encoded.length >= longestMessage) break;
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** The inverse of percentEncode. What is no valid encoding stays as it is. */
export function percentDecode(message: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < message.length; i++) {
    const hex = message[i] === "%" ? message.slice(i + 1, i + 3) : "";
    if (/^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(Number.parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(message.charCodeAt(i) & 0xff);
    }
  }
  return Buffer.from(bytes).toString();
}
