import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { PeerCertificate } from "node:tls";
import { FlightError } from "../error.js";
import type { ServerCall } from "../handlers.js";
import { checkHeader } from "../protocol/metadata.js";
import { encodeStatus } from "../protocol/status.js";
import { parseTimeout } from "../protocol/timeout.js";
import { FrameWriter } from "./frame-writer.js";
import { type Intake, MessageReader } from "./message-reader.js";
import { readHeaders } from "./read-headers.js";
import { strangersMessageBytes } from "./settings.js";

const responseHeaders = { ":status": 200, "content-type": "application/grpc", "grpc-accept-encoding": "identity" };

/** How long a call that is late may take to send its status. */
const lastWordsMs = 1000;

export interface GrpcServerCallOptions extends Intake {
  peer: string;
  certificate: PeerCertificate | undefined;
  maxMessageBytes: number;
  /** The caller is known. */
  admitted(): void;
  /** The call has ended before its caller has sent all. */
  leftOpen(): void;
}

/** One call that a peer made: its messages, its answers, and its one end. */
export class GrpcServerCall implements ServerCall {
  readonly method: string;
  readonly path: string;
  readonly peer: string;
  readonly certificate: PeerCertificate | undefined;
  readonly headers: ReadonlyMap<string, string>;
  readonly messages: MessageReader;
  identity: unknown;
  readonly #options: GrpcServerCallOptions;
  readonly #stream: ServerHttp2Stream;
  readonly #writer: FrameWriter;
  readonly #abort = new AbortController();
  readonly #trailers: Record<string, string> = {};
  readonly #headers: Record<string, string> = {};
  readonly #observers: ((error: FlightError | undefined) => void)[] = [];
  #deadline: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, options: GrpcServerCallOptions) {
    this.#stream = stream;
    this.path = String(headers[":path"]);
    this.method = this.path.slice(this.path.lastIndexOf("/") + 1);
    this.peer = options.peer;
    this.certificate = options.certificate;
    this.headers = readHeaders(headers);
    this.#writer = new FrameWriter(stream);
    this.#options = options;
    this.messages = new MessageReader(stream, {
      maxMessageBytes: Math.min(strangersMessageBytes, options.maxMessageBytes),
      verdict: () => (stream.aborted || stream.rstCode ? cut() : undefined),
      leave: () => {},
      intake: this,
    });
    // A stream's error is followed by its close, which tells the handler.
    stream.on("error", () => {});
    stream.on("aborted", () => this.#lose());
    stream.on("close", () => this.#lose());
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The caller is known, and may send more, and longer messages, than a stranger. */
  admit(): void {
    this.messages.maxMessageBytes = this.#options.maxMessageBytes;
    this.#options.admitted();
  }

  /** Bytes of its messages came. They end the call when there is no room for them. */
  received(bytes: number): void {
    try {
      this.#options.received(bytes);
    } catch (reason) {
      this.end(FlightError.from(reason));
    }
  }

  /** Bytes of its messages were read, or dropped. */
  released(bytes: number): void {
    this.#options.released(bytes);
  }

  /** Whether the call has had its status, or the peer is gone. */
  get ended(): boolean {
    return this.#ended;
  }

  setHeader(name: string, value: string): void {
    checkHeader(name, value);
    if (this.#stream.headersSent) {
      throw new FlightError("FAILED_PRECONDITION", `${this.method} has sent its headers: ${name} comes too late.`, {
        hint: "Set headers before the first answer, or use setTrailer.",
      });
    }
    this.#headers[name] = value;
  }

  sendHeaders(): void {
    if (!this.#stream.headersSent) this.#respond();
  }

  /** `ended` runs once, before the call's trailers are sent or when the peer is gone. */
  observe(ended: (error: FlightError | undefined) => void): void {
    if (this.#ended) ended(FlightError.from(this.signal.reason));
    else this.#observers.push(ended);
  }

  setTrailer(name: string, value: string): void {
    checkHeader(name, value);
    this.#trailers[name] = value;
  }

  /** Sends one frame; a promise asks to wait with the next. */
  send(frame: readonly Uint8Array[]): Promise<void> | undefined {
    this.sendHeaders();
    return this.#writer.write(frame);
  }

  /** Ends the call with its status. Only the first end counts. */
  end(outcome?: FlightError): void {
    if (this.#ended) return;
    this.#ended = true;
    const error = this.#report(outcome);
    if (error !== undefined) this.#stop(error);
    else if (!this.messages.finished) this.messages.fail(over());
    if (this.#stream.destroyed || this.#stream.closed) return;
    const trailers = { ...this.#trailers, ...statusOf(error) };
    // Headers that were set go before the trailers, also where nothing comes between them.
    if (Object.keys(this.#headers).length > 0) this.sendHeaders();
    if (this.#stream.headersSent) {
      this.#stream.once("wantTrailers", () => {
        this.#stream.sendTrailers(trailers);
        this.#closeRequest();
      });
      this.#stream.end();
    } else {
      this.#stream.respond({ ...responseHeaders, ...this.#headers, ...trailers }, { endStream: true });
      this.#closeRequest();
    }
  }

  #respond(): void {
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.respond({ ...responseHeaders, ...this.#headers }, { waitForTrailers: true });
  }

  /** Tells a peer that is still sending to stop; what it sent is read and dropped. */
  #closeRequest(): void {
    // A reset in the same turn would overtake what was said last.
    setImmediate(() => {
      if (this.#stream.readableEnded) return;
      this.#options.leftOpen();
      this.#stream.resume();
      this.#stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  #lose(): void {
    clearTimeout(this.#deadline);
    if (this.#ended) return;
    this.#ended = true;
    const error = cut();
    this.#report(error);
    this.#stop(error);
  }

  /** Tells every observer. One that throws makes a call fail that had not. */
  #report(outcome: FlightError | undefined): FlightError | undefined {
    let error = outcome;
    for (const ended of this.#observers.splice(0)) {
      try {
        ended(error);
      } catch (reason) {
        error ??= FlightError.from(reason);
      }
    }
    return error;
  }

  #stop(reason: FlightError): void {
    this.messages.fail(reason);
    this.#abort.abort(reason);
  }

  /** Throws UNIMPLEMENTED when the peer compresses its messages. Answers always say that only identity is taken. */
  checkEncoding(): void {
    const encoding = this.headers.get("grpc-encoding") ?? "identity";
    if (encoding === "identity") return;
    throw new FlightError("UNIMPLEMENTED", `This server takes no messages compressed by gRPC, as with "${encoding}".`, {
      hint: "Turn gRPC compression off at the peer; Arrow's own compression of batches may stay on.",
    });
  }

  /** Ends the call at the deadline that its headers ask for. Throws INVALID_ARGUMENT when they cannot be read. */
  startDeadline(): void {
    const header = this.headers.get("grpc-timeout");
    if (header === undefined) return;
    const timeoutMs = parseTimeout(header);
    const late = () => {
      this.end(
        new FlightError(
          "DEADLINE_EXCEEDED",
          `${this.method} was not done within the ${timeoutMs} ms that its caller gave.`,
          { hint: "Give it more time or ask for less." },
        ),
      );
      // A peer that does not read gets no status either, and what waits for it would stay.
      this.#deadline = setTimeout(() => this.#stream.close(constants.NGHTTP2_CANCEL), lastWordsMs).unref();
    };
    this.#deadline = setTimeout(late, Math.min(timeoutMs, 2 ** 31 - 1)).unref();
  }
}

function over(): FlightError {
  return new FlightError("CANCELLED", "The call has ended.", { hint: "Read its messages before the handler returns." });
}

function cut(): FlightError {
  return new FlightError("CANCELLED", "The peer cancelled the call, or its connection was lost, before the end.", {
    hint: "Treat what came as incomplete.",
  });
}

/** A handler may have thrown what cannot be sent, such as details that are no bytes: that is an error of its own. */
function statusOf(error: FlightError | undefined): Record<string, string> {
  try {
    return encodeStatus(error);
  } catch (reason) {
    return encodeStatus(
      new FlightError("INTERNAL", `The call's error cannot be sent: ${FlightError.from(reason).message}`, {
        hint: "Have the handler throw a FlightError whose details are bytes.",
      }),
    );
  }
}
