import { methodPath } from "arrow-flight-node/protocol";
import { http2Frame, requestFrame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** DATA that is all padding. */
export const paddedData: Flood = {
  name: "padded DATA",
  opening: requestFrame(methodPath("DoPut")),
  start: repeated(http2Frame(0, 8, 1, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]))),
};
