import { methodPath } from "arrow-flight-node/protocol";
import { http2Frame, requestFrame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Priorities, which nobody heeds. */
export const priority: Flood = {
  name: "PRIORITY",
  opening: requestFrame(methodPath("DoPut")),
  start: repeated(http2Frame(2, 0, 1, Buffer.from("0000000010", "hex"))),
};
