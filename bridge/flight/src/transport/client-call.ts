import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from "node:http2";
import { FlightError } from "../error.js";
import type { Streamable } from "../messages.js";
import type { Frame } from "../protocol/grpc-frame.js";
import { decodeStatus, fromHttp } from "../protocol/status.js";
import type { CallScope } from "./call-scope.js";
import { FrameWriter } from "./frame-writer.js";
import { MessageReader } from "./message-reader.js";
import { readHeaders } from "./read-headers.js";

export interface GrpcClientCallOptions {
  /** What errors call it: "DoPut to grpc://…". */
  name: string;
  headers: Readonly<Record<string, string>>;
  request: Streamable<Frame>;
  maxMessageBytes: number;
  /** Its signal cancels the call; the reason is what the messages reject with. */
  scope: CallScope;
  /** Gets the response's headers, then its trailers. */
  onHeaders: (headers: ReadonlyMap<string, string>) => void;
  /** The call is over; `error` is what it failed of. */
  onClose: (error: FlightError | undefined) => void;
}

/** One call to a server: its request goes out on its own, its response is read from `messages`. */
export class GrpcClientCall {
  readonly messages: MessageReader;
  readonly #stream: ClientHttp2Stream;
  readonly #name: string;
  readonly #scope: CallScope;
  #response: IncomingHttpHeaders | undefined;
  #failure: unknown;
  #trailers: IncomingHttpHeaders | undefined;

  constructor(session: ClientHttp2Session, options: GrpcClientCallOptions) {
    const { signal } = options.scope;
    const stream = session.request({ ...options.headers }, { endStream: false });
    this.#name = options.name;
    this.#scope = options.scope;
    this.#stream = stream;
    this.messages = new MessageReader(stream, {
      maxMessageBytes: options.maxMessageBytes,
      verdict: () => this.#verdict(),
      leave: () => {
        this.#failure ??= left(this.#name);
        stream.close(constants.NGHTTP2_CANCEL);
      },
    });
    const abort = () => this.#fail(signal.reason);
    stream.on("response", (headers) => {
      this.#response = headers;
      const status = headers[":status"];
      if (status !== 200) this.#fail(fromHttp(String(status)));
      this.#tell(options.onHeaders, headers);
    });
    stream.on("trailers", (headers) => {
      this.#trailers = headers;
      this.#tell(options.onHeaders, headers);
    });
    stream.on("error", (cause) => {
      this.#failure ??= this.#scope.blame(this.#lost(cause));
      this.messages.fail(this.#failure);
    });
    stream.on("close", () => {
      signal.removeEventListener("abort", abort);
      const verdict = this.#verdict();
      if (!stream.readableEnded) this.messages.fail(verdict ?? this.#lost());
      options.onClose(this.#failure === undefined ? verdict : FlightError.from(this.#failure));
    });
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
    void this.#send(options.request);
  }

  async #send(request: Streamable<Frame>): Promise<void> {
    const writer = new FrameWriter(this.#stream);
    try {
      for await (const frame of request) {
        if (this.#over) return;
        const full = writer.write(frame);
        if (full !== undefined) await full;
      }
      if (!this.#over) this.#stream.end();
    } catch (reason) {
      // Either the caller's stream threw, or the call is over and its end says why.
      if (!this.#over) this.#fail(reason);
    }
  }

  /** Cancels the call and ends its messages with `error`. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.messages.fail(error);
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** A listener that throws fails the call. */
  #tell(listener: (headers: ReadonlyMap<string, string>) => void, headers: IncomingHttpHeaders): void {
    try {
      listener(readHeaders(headers));
    } catch (reason) {
      this.#fail(FlightError.from(reason));
    }
  }

  get #over(): boolean {
    return this.#stream.closed || this.#stream.destroyed || this.#trailers !== undefined;
  }

  /** What the end of the response means: the status that came with it, or, without one, that it was cut off. */
  #verdict(): FlightError | undefined {
    const headers = this.#trailers ?? this.#response;
    const error = headers?.["grpc-status"] === undefined ? this.#lost() : decodeStatus(headers);
    return error && this.#scope.blame(error);
  }

  #lost(cause?: unknown): FlightError {
    const code = this.#stream.rstCode;
    const reason = cause instanceof Error ? `: ${cause.message}` : code ? ` (HTTP/2 code ${code})` : "";
    return new FlightError("UNAVAILABLE", `${this.#name} was cut off before its end${reason}.`, {
      hint: "See whether the server still runs, and call again.",
      cause,
    });
  }
}

function left(name: string): FlightError {
  return new FlightError("CANCELLED", `${name} was left before its end.`, { hint: "Read it to its end." });
}
