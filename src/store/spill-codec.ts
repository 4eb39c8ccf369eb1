import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { RayflightError } from "../error.js";

/** How spilled bytes may be compressed: by what `node:zlib` has. "zstd" needs Node 22.15 or newer. */
export type SpillCodecName = "none" | "gzip" | "brotli" | "zstd";

/** Compresses what moves to disk. Works off the calling thread. */
export interface SpillCodec {
  compress(bytes: Uint8Array): Promise<Uint8Array>;
  decompress(bytes: Uint8Array): Promise<Uint8Array>;
}

type Transform = (bytes: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void) => void;

/**
 * The codec with this name, at its fastest setting; undefined for "none". Throws INVALID_ARGUMENT for a name that is none,
 * FAILED_PRECONDITION for one that this version of Node lacks: zstd came with 22.15.
 */
export function spillCodecOf(name: SpillCodecName): SpillCodec | undefined {
  const { constants } = zlib;
  switch (name) {
    case "none":
      return undefined;
    case "gzip":
      return makeCodec(zlib.gzip, zlib.gunzip, { level: 1 });
    case "brotli":
      return makeCodec(zlib.brotliCompress, zlib.brotliDecompress, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 1 },
      });
    case "zstd": {
      const { zstdCompress, zstdDecompress } = zlib as { zstdCompress?: Transform; zstdDecompress?: Transform };
      if (zstdCompress !== undefined && zstdDecompress !== undefined) {
        return makeCodec(zstdCompress, zstdDecompress, {});
      }
      throw new RayflightError("FAILED_PRECONDITION", `Node ${process.versions.node} has no zstd.`, {
        hint: 'Use Node 22.15 or newer, or spillCodec "gzip" or "brotli".',
      });
    }
    default:
      throw new RayflightError("INVALID_ARGUMENT", `spillCodec is ${JSON.stringify(name)}.`, {
        hint: "Name one of none, gzip, brotli, zstd.",
      });
  }
}

/** Returns `name`; throws as `spillCodecOf` does. */
export function checkSpillCodec(name: SpillCodecName): SpillCodecName {
  spillCodecOf(name);
  return name;
}

function makeCodec(compress: unknown, decompress: unknown, options: object): SpillCodec {
  const [pack, unpack] = [promisify(compress as Transform), promisify(decompress as Transform)];
  return { compress: (bytes) => pack(bytes, options), decompress: (bytes) => unpack(bytes, {}) };
}
