import { methodPath } from "arrow-flight-node/protocol";
import { encodeHeaders, http2Frame, requestHeaders } from "../../flight/http2-bytes.js";
import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { RawPeer } from "../raw-peer.js";

const field = encodeHeaders({ "x-more": "a".repeat(100) });
const block = Buffer.concat([
  requestHeaders(methodPath("DoPut")),
  ...Array<Buffer>(Math.floor(1e6 / field.byteLength)).fill(field),
]);

/** 1 MB of headers for one call, in one frame, on connection after connection. */
export const largeHeaders: Attack = {
  name: "1 MB of headers",
  bound: "refused before a handler, ≤ 32 MiB",
  options: { floodPenaltyMs: 0 },
  async run(target, share) {
    const calls = Math.ceil(200 * share);
    const before = await target.ask("collect");
    for (let i = 0; i < calls; i++) {
      const peer = new RawPeer(target);
      const refused = new Promise((resolve) =>
        peer.socket.on("data", () => (peer.frames.has(3) || peer.frames.has(7)) && resolve(0)),
      );
      peer.greet(http2Frame(1, 4, 1, block));
      await Promise.race([refused, peer.closed]);
      peer.socket.destroy();
    }
    const { begun, rss } = await target.ask("collect");
    const grown = rss - before.rss;
    const handled = begun - before.begun;
    return {
      figures: `${calls} calls: ${handled} began, ${inMebibytes(grown)}`,
      holds: handled === 0 && grown <= 32 * mebibyte,
    };
  },
};
