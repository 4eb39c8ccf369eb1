import { methodPath } from "arrow-flight-node/protocol";
import { dataFrame, requestFrame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** A byte a frame: a message of ten bytes on the wire for each of its own. */
export const tinyData: Flood = {
  name: "DATA of a byte",
  opening: requestFrame(methodPath("DoPut")),
  start: repeated(dataFrame(Buffer.of(0))),
};
