import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { beAdmitted, connectTo, openCall, statusOf } from "../http2-client.js";

function prefix(length: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Messages that say they are long, and send one byte: of 4 GiB, over the limit, and of 256 MiB, just within it. */
export const lengthPrefix: Attack = {
  name: "length prefix",
  bound: "4 GiB refused; 1,000 of 256 MiB: ≤ 32 MiB",
  async run(target, share) {
    const session = await connectTo(target.port);
    const refused = openCall(session, "DoPut");
    refused.write(prefix(2 ** 32 - 1));
    const status = await statusOf(refused);
    await beAdmitted(session);
    const streams = Math.ceil(1000 * share);
    const { rss, begun } = await target.ask("collect");
    for (let i = 0; i < streams; i++) openCall(session, "DoPut").write(prefix(256 * mebibyte));
    await target.until((answer) => answer.begun === begun + streams);
    const grown = (await target.ask("collect")).rss - rss;
    session.destroy();
    const figures = `status ${status}; ${streams} streams: ${inMebibytes(grown)}`;
    return { figures, holds: status === "8" && grown <= 32 * mebibyte };
  },
};
