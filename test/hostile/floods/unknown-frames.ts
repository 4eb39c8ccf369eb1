import { http2Frame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Frames of a type that does not exist, which HTTP/2 has to ignore. */
export const unknownFrames: Flood = {
  name: "unknown frames",
  start: repeated(http2Frame(0x42, 0, 0, Buffer.alloc(0))),
};
