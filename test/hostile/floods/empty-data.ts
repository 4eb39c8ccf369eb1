import { methodPath } from "arrow-flight-node/protocol";
import { dataFrame, requestFrame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** DATA without data (CVE-2019-9518). */
export const emptyData: Flood = {
  name: "empty DATA",
  opening: requestFrame(methodPath("DoPut")),
  start: repeated(dataFrame(Buffer.alloc(0))),
};
