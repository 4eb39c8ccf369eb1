import type { ClientHttp2Stream } from "node:http2";
import { type Attack, inMebibytes } from "../attack.js";
import { beAdmitted, connectTo, openCall } from "../http2-client.js";

/** Streams that send a message byte by byte, thousands of them, over several connections. */
export const slowStreams: Attack = {
  name: "slow streams",
  bound: "≤ 20 KiB a stream",
  async run(target, share) {
    const connections = 10;
    const each = Math.ceil(1000 * share);
    const sessions = await Promise.all(Array.from({ length: connections }, () => connectTo(target.port)));
    for (const session of sessions) await beAdmitted(session);
    const { rss, begun } = await target.ask("collect");
    const streams: ClientHttp2Stream[] = [];
    for (const session of sessions) {
      for (let i = 0; i < each; i++) {
        const stream = openCall(session, "DoPut");
        stream.write(Buffer.of(0, 0, 0, 3, 232, 1));
        streams.push(stream);
      }
    }
    await target.until((answer) => answer.begun === begun + streams.length);
    for (let round = 0; round < 5; round++) {
      await Promise.all(streams.map((stream) => new Promise((resolve) => stream.write(Buffer.of(1), resolve))));
    }
    const grown = (await target.ask("collect")).rss - rss;
    for (const session of sessions) session.destroy();
    const perStream = grown / streams.length / 1024;
    return {
      figures: `${streams.length}: ${perStream.toFixed(1)} KiB a stream, ${inMebibytes(grown)}`,
      holds: perStream <= 20,
    };
  },
};
