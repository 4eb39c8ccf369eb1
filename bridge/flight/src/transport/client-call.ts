import { type ClientHttp2Stream, constants, type IncomingHttpHeaders, type IncomingHttpStatusHeader } from "node:http2";
import { FlightError } from "../error.js";
import type { HeaderPart } from "../middleware.js";
import { codeOfReset, decodeStatus, fromHttp, isGrpc } from "../protocol/status.js";
import type { CallScope } from "./call-scope.js";
import type { ClientConnection } from "./client-connection.js";
import { FrameWriter } from "./frame-writer.js";
import { MessageReader } from "./message-reader.js";
import { readHeaders } from "./read-headers.js";
import type { RequestFrames } from "./request-frames.js";

export interface GrpcClientCallOptions {
  /** What errors call it: "DoPut to grpc://…". */
  name: string;
  headers: Readonly<Record<string, string>>;
  request: RequestFrames;
  /** Whether another attempt would be made, were this one ignored by the server. */
  mayRepeat: boolean;
  maxMessageBytes: number;
  /** Its signal cancels the call; the reason is what the messages reject with. */
  scope: CallScope;
  /** Gets the response's headers, then its trailers. */
  onHeaders: (headers: ReadonlyMap<string, string>, part: HeaderPart) => void;
  /** The call is over; `error` is what it failed of. Not called for an attempt that is to be repeated. */
  onClose: (error: FlightError | undefined) => void;
}

/** How long a server that has answered may take to say that it wants no more. */
const lastWordsMs = 1000;

/** One call to a server: its request goes out on its own, its response is read from `messages`. */
export class GrpcClientCall {
  readonly messages: MessageReader;
  /** Resolves when the server answers or the call is over: with false when the server never looked at it and it may be repeated. */
  readonly taken: Promise<boolean>;
  readonly #stream: ClientHttp2Stream;
  readonly #connection: ClientConnection;
  readonly #options: GrpcClientCallOptions;
  #settleTaken!: (taken: boolean) => void;
  #response: IncomingHttpHeaders | undefined;
  #failure: unknown;
  #trailers: IncomingHttpHeaders | undefined;

  /** Uses the place that `connection` has admitted it to, and gives that back at its end. Throws when the connection is gone. */
  constructor(connection: ClientConnection, options: GrpcClientCallOptions) {
    const { signal } = options.scope;
    const stream = connection.start(options.headers);
    this.#connection = connection;
    this.#options = options;
    this.#stream = stream;
    this.taken = new Promise((resolve) => {
      this.#settleTaken = resolve;
    });
    this.messages = new MessageReader(stream, {
      maxMessageBytes: options.maxMessageBytes,
      verdict: () => this.#verdict(),
      leave: () => {
        this.#failure ??= left(options.name);
        stream.close(constants.NGHTTP2_CANCEL);
      },
    });
    const abort = () => this.#fail(signal.reason);
    stream.on("response", (headers) => {
      this.#response = headers;
      options.request.commit();
      const stranger = strangerAs(headers);
      if (stranger !== undefined) this.#fail(stranger);
      this.#tell(headers, "grpc-status" in headers ? "trailers" : "headers");
      this.#settleTaken(true);
    });
    stream.on("trailers", (headers) => {
      this.#trailers = headers;
      this.#tell(headers, "trailers");
    });
    stream.on("error", (cause) => {
      if (this.#ignored) return;
      this.#failure ??= options.scope.blame(this.#lost(cause));
      this.messages.fail(this.#failure);
    });
    stream.on("end", () => this.#hangUp());
    stream.on("close", () => {
      signal.removeEventListener("abort", abort);
      connection.release();
      if (this.#ignored) {
        this.#settleTaken(false);
        return;
      }
      const verdict = this.#verdict();
      if (!stream.readableEnded) this.messages.fail(verdict ?? this.#lost());
      options.request.stop();
      this.#settleTaken(true);
      options.onClose(this.#failure === undefined ? verdict : FlightError.from(this.#failure));
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    void this.#send(options.request.attempt());
  }

  async #send(next: ReturnType<RequestFrames["attempt"]>): Promise<void> {
    const writer = new FrameWriter(this.#stream);
    try {
      for (;;) {
        const { done, value } = await next();
        if (this.#over) return;
        if (done) break;
        const full = writer.write(value);
        if (full !== undefined) await full;
        if (this.#over) return;
      }
      this.#stream.end();
    } catch (reason) {
      // Either the caller's stream threw, or the call is over and its end says why.
      if (!this.#over) this.#fail(reason);
    }
  }

  /** Cancels the call and ends its messages with `error`. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.messages.fail(error);
    this.#settleTaken(true);
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** A server that has answered while the request still goes out tells us to stop; one that does not is told that we have. */
  #hangUp(): void {
    if (this.#stream.writableEnded) return;
    const timer = setTimeout(() => this.#stream.close(constants.NGHTTP2_CANCEL), lastWordsMs).unref();
    this.#stream.once("close", () => clearTimeout(timer));
  }

  /** A listener that throws fails the call. */
  #tell(headers: IncomingHttpHeaders, part: HeaderPart): void {
    try {
      this.#options.onHeaders(readHeaders(headers), part);
    } catch (reason) {
      this.#fail(FlightError.from(reason));
    }
  }

  get #over(): boolean {
    return this.#stream.closed || this.#stream.destroyed || this.#trailers !== undefined;
  }

  /** Whether the server has said that it never looked at the call, so that it is made again as if for the first time. */
  get #ignored(): boolean {
    const { mayRepeat, request } = this.#options;
    if (!mayRepeat || !request.replayable || this.#response !== undefined || this.#failure !== undefined) return false;
    return this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || this.#connection.hasIgnored(this.#stream);
  }

  /** What the end of the response means: the status that came with it, or, without one, that it was cut off. */
  #verdict(): FlightError | undefined {
    const headers = this.#trailers ?? this.#response;
    const error = headers?.["grpc-status"] === undefined ? this.#lost() : decodeStatus(headers);
    return error && this.#options.scope.blame(error);
  }

  #lost(cause?: unknown): FlightError {
    const { name } = this.#options;
    const code = this.#stream.rstCode ?? 0;
    if (this.#connection.lost) {
      const known = this.#connection.cause ?? cause;
      const reason = known instanceof Error ? `: ${known.message}` : "";
      return new FlightError("UNAVAILABLE", `${name} was cut off before its end${reason}.`, {
        hint: "See whether the server still runs, and call again.",
        cause: known,
      });
    }
    if (code === constants.NGHTTP2_NO_ERROR && this.#stream.readableEnded) {
      return new FlightError("UNKNOWN", `${name} ended without a status.`, {
        hint: "Check the server, or a proxy before it.",
      });
    }
    return new FlightError(
      codeOfReset(code),
      `${name} was cut off before its end: the server reset it with HTTP/2 code ${code}.`,
      {
        hint: "See the server's log, and call again.",
        cause,
      },
    );
  }
}

/** The failure of a response that does not come from a gRPC server. */
function strangerAs(headers: IncomingHttpHeaders & IncomingHttpStatusHeader): FlightError | undefined {
  if (headers["grpc-status"] !== undefined) return undefined;
  if (headers[":status"] !== 200) return fromHttp(String(headers[":status"]));
  const type = headers["content-type"];
  if (isGrpc(type)) return undefined;
  return new FlightError("UNKNOWN", `The server answered ${type ?? "without a content-type"}, not gRPC.`, {
    hint: "Check that the address is a Flight server's, with no HTTP proxy before it.",
  });
}

function left(name: string): FlightError {
  return new FlightError("CANCELLED", `${name} was left before its end.`, { hint: "Read it to its end." });
}
