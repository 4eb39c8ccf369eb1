import { methodPath } from "arrow-flight-node/protocol";
import { dataFrame, requestFrame } from "../../flight/http2-bytes.js";
import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { RawPeer } from "../raw-peer.js";

/** The body of the message at which the attacked handler stops reading: it has app_metadata. */
const stop = Buffer.from("0000000003" + "1a0131", "hex");

/** A byte a frame, to a handler that does not read: what waits must cost its bytes, not an object for each. */
export const unreadBytes: Attack = {
  name: "unread bytes",
  bound: "≤ 32 MiB for 500,000 frames",
  options: { maxOverheadBytes: 1 << 30 },
  async run(target, share) {
    const peer = new RawPeer(target);
    peer.greet(requestFrame(methodPath("DoPut")), dataFrame(stop));
    // The first settings are the greeting, the second the admission.
    while ((peer.frames.get(4) ?? 0) < 3 && !peer.socket.destroyed) {
      await new Promise((resolve) => peer.socket.once("data", resolve));
    }
    const { rss } = await target.ask("collect");
    const frames = 1000 * Math.ceil(500 * share);
    const block = Buffer.concat(Array<Buffer>(1000).fill(dataFrame(Buffer.of(0))));
    for (let i = 0; i < frames; i += 1000) await peer.send(block);
    const ping = Buffer.from("0000080600000000000000000000000000", "hex");
    const answered = new Promise<void>((resolve) => peer.socket.on("data", () => peer.frames.has(6) && resolve()));
    await peer.send(ping);
    await Promise.race([answered, peer.closed]);
    const grown = (await target.ask("collect")).rss - rss;
    const held = !peer.socket.destroyed;
    peer.socket.destroy();
    return { figures: `${frames} frames: ${inMebibytes(grown)}`, holds: held && grown <= 32 * mebibyte };
  },
};
