import { FlightError } from "../error.js";
import type { Streamable } from "../messages.js";
import { brokenOff, type IpcMessage } from "./encapsulate.js";
import { malformed } from "./flatbuffer.js";
import { readMessage } from "./read-message.js";

/** How much readStream takes. */
export interface ReadStreamOptions {
  /** The most bytes of one message, header and body. A longer one is RESOURCE_EXHAUSTED. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
}

/**
 * The messages of an IPC stream that arrives in chunks, such as a file's or an HTTP response's: the schema first. Each message is
 * copied once, into memory of its own that decoded batches are views of; that memory is asked for once all of it has arrived. Ends at
 * the stream's end mark, or with the chunks between two messages. Throws INVALID_ARGUMENT for a stream that breaks off.
 */
export async function* readStream(
  chunks: Streamable<Uint8Array>,
  { maxMessageBytes = 256 << 20 }: ReadStreamOptions = {},
): AsyncGenerator<IpcMessage> {
  const bytes = new ByteQueue();
  const messages = split(bytes, maxMessageBytes);
  let step = messages.next();
  for await (const chunk of chunks) {
    bytes.push(chunk);
    for (step = messages.next(); step.value !== undefined; step = messages.next()) yield step.value;
    if (step.done) return;
  }
  if (bytes.inside || bytes.length > 0) throw brokenOff();
}

/** Gives undefined while bytes are missing, and ends at the end mark. */
function* split(bytes: ByteQueue, limit: number): Generator<IpcMessage | undefined, undefined> {
  for (;;) {
    bytes.inside = false;
    const prefix = yield* bytes.take(4);
    bytes.inside = true;
    let length = new DataView(prefix.buffer).getInt32(0, true);
    if (length === -1) length = new DataView((yield* bytes.take(4)).buffer).getInt32(0, true);
    if (length === 0) return undefined;
    if (length < 0) throw malformed(`gives ${length} as the length of its header`);
    if (length > limit) throw tooLong(length, limit);
    const header = yield* bytes.take(length);
    const { bodyLength } = readMessage(header);
    if (length + bodyLength > limit) throw tooLong(length + bodyLength, limit);
    yield { header, body: yield* bytes.take(bodyLength) };
  }
}

class ByteQueue {
  readonly #chunks: Uint8Array[] = [];
  length = 0;
  /** Whether a message has begun. */
  inside = false;

  push(chunk: Uint8Array): void {
    if (chunk.byteLength === 0) return;
    this.#chunks.push(chunk);
    this.length += chunk.byteLength;
  }

  /** The next bytes in memory of their own, once all are there. */
  *take(length: number): Generator<undefined, Uint8Array<ArrayBuffer>> {
    while (this.length < length) yield undefined;
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    let filled = 0;
    let used = 0;
    for (; filled < length; used++) {
      const chunk = this.#chunks[used]!;
      const part = chunk.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.byteLength;
      if (part.byteLength === chunk.byteLength) continue;
      this.#chunks[used] = chunk.subarray(part.byteLength);
      break;
    }
    this.#chunks.splice(0, used);
    this.length -= length;
    return bytes;
  }
}

function tooLong(bytes: number, limit: number): FlightError {
  return new FlightError(
    "RESOURCE_EXHAUSTED",
    `The IPC stream has a message of ${bytes} bytes, over the limit of ${limit}.`,
    {
      hint: "Have its writer send batches of fewer rows, or raise maxMessageBytes.",
    },
  );
}
