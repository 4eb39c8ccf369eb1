import { createRequire } from "node:module";

type Parser = typeof import("acorn");

const require = createRequire(import.meta.url);
let parser: Parser | undefined;

/** The parser, loaded when this thread ships its first function: most worker threads ship none, and start sooner without it. */
export function loadParser(): Parser {
  parser ??= require("acorn") as Parser;
  return parser;
}
