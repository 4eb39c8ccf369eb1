import * as zlib from "node:zlib";
import { ZSTDDecoder } from "zstddec";
import { FlightError } from "../error.js";
import { malformed } from "./flatbuffer.js";

type Decompress = (bytes: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;

/** Node has zstd from 22.15 and 23.8 on; before, its own library comes as WebAssembly, whose memory ends at 2 GiB. */
const native = (zlib as { zstdDecompressSync?: Decompress }).zstdDecompressSync;
const largestWasm = 512 << 20;
const decoder = new ZSTDDecoder();
let loading: Promise<void> | undefined;
let loaded = native !== undefined;

/**
 * Resolves once zstd can be decoded: at once where Node has it. On an older Node its library is loaded when this is first awaited.
 * Streams do so when they meet a batch of zstd; whoever decodes batches by hand awaits it once before.
 */
export const zstdReady: PromiseLike<void> = {
  // biome-ignore lint/suspicious/noThenProperty: most streams never need it, and it would double what a program loads.
  then: (onReady, onError) => load().then(onReady, onError),
};

async function load(): Promise<void> {
  if (loaded) return;
  loading ??= decoder.init();
  await loading;
  loaded = true;
}

/** Decodes Zstandard frames into `into`, which they must fill exactly; no more than that is ever decoded. Throws INVALID_ARGUMENT. */
export function decodeZstd(bytes: Uint8Array, into: Uint8Array): void {
  if (into.byteLength === 0) throw broken();
  const decoded =
    native === undefined ? decodeWasm(bytes, into.byteLength) : decodeNative(native, bytes, into.byteLength);
  if (decoded.byteLength !== into.byteLength) throw broken();
  into.set(decoded);
}

function decodeNative(decompress: Decompress, bytes: Uint8Array, length: number): Uint8Array {
  try {
    return decompress(bytes, { maxOutputLength: length });
  } catch (cause) {
    throw broken(cause);
  }
}

function decodeWasm(bytes: Uint8Array, length: number): Uint8Array {
  if (length + bytes.byteLength > largestWasm) {
    throw new FlightError("RESOURCE_EXHAUSTED", `A zstd buffer of ${length} bytes is more than this Node can decode.`, {
      hint: "Use Node 22.15 or newer, or send batches of fewer rows.",
    });
  }
  if (!loaded) {
    throw new FlightError("UNAVAILABLE", "This Node's zstd decoder is not loaded.", {
      hint: "`await zstdReady` of arrow-flight-node/ipc first, or use Node 22.15 or newer.",
    });
  }
  // A frame that fails, or holds more than `length`, comes back as no bytes.
  return decoder.decode(bytes, length);
}

function broken(cause?: unknown): FlightError {
  const error = malformed("has a buffer whose zstd frame is broken or is not as long as it says");
  return cause === undefined ? error : new FlightError(error.code, error.message, { cause });
}
