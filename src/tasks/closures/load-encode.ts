import { createRequire } from "node:module";
import type * as Encode from "./encode.js";

const require = createRequire(import.meta.url);
let encode: typeof Encode | undefined;

/**
 * What makes functions ready to travel, with the parser that it needs. Loaded when this thread ships its first function: most
 * worker threads ship none, and start sooner without it.
 */
export function loadEncode(): typeof Encode {
  encode ??= require("./encode.js") as typeof Encode;
  return encode;
}
