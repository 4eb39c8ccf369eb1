import { http2Frame, uint32 } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Windows that grow by a byte. */
export const windowUpdate: Flood = {
  name: "WINDOW_UPDATE",
  start: repeated(http2Frame(8, 0, 0, uint32(1))),
};
