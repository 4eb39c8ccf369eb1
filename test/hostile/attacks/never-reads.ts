import { setTimeout as wait } from "node:timers/promises";
import { methodPath } from "arrow-flight-node/protocol";
import { dataFrame, http2Frame, requestFrame, uint32 } from "../../flight/http2-bytes.js";
import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { RawPeer } from "../raw-peer.js";

/** DoGets without end, by a client that opens all its windows and then never reads from its socket. */
export const neverReads: Attack = {
  name: "never reads",
  bound: "≤ 4 MiB a call",
  async run(target, share) {
    const calls = Math.max(4, Math.ceil(64 * share));
    const peer = new RawPeer(target);
    await new Promise((resolve) => peer.socket.once("connect", resolve));
    peer.socket.pause();
    const { rss } = await target.ask("collect");
    const wide = http2Frame(4, 0, 0, Buffer.from("00047fffffff", "hex"));
    peer.greet(wide, http2Frame(8, 0, 0, uint32(0x7fff0000)));
    const request = Buffer.from("0000000000", "hex");
    for (let i = 0; i < calls; i++) {
      const stream = 2 * i + 1;
      await peer.send(requestFrame(methodPath("DoGet"), stream));
      await peer.send(dataFrame(request, true, stream));
    }
    // It has come to rest when its memory stands still.
    let last = 0;
    for (let still = 0; still < 5; still++) {
      await wait(100);
      if (Math.abs(target.rss() - last) > mebibyte) still = -1;
      last = target.rss();
    }
    const grown = last - rss;
    peer.socket.destroy();
    const perCall = grown / calls;
    return {
      figures: `${calls} calls: ${inMebibytes(perCall)} each, ${inMebibytes(grown)}`,
      holds: perCall <= 4 * mebibyte,
    };
  },
};
