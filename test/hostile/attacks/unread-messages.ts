import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { beAdmitted, connectTo, openCall, statusOf } from "../http2-client.js";

const stop = Buffer.from("0000000003" + "1a0131", "hex");
const room = 32 * mebibyte;

/** Calls that fill their windows while their handlers do not read: the server's memory for that is one, for all of them. */
export const unreadMessages: Attack = {
  name: "unread messages",
  bound: "maxBufferedBytes (32 MiB here) + 32 MiB, then RESOURCE_EXHAUSTED",
  options: { maxBufferedBytes: room },
  async run(target) {
    const session = await connectTo(target.port);
    await beAdmitted(session);
    const { rss } = await target.ask("collect");
    const statuses = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const call = openCall(session, "DoPut");
        call.write(stop);
        const piece = Buffer.alloc(mebibyte);
        for (let i = 0; i < 16; i++) call.write(piece);
        const late = new Promise<undefined>((resolve) => session.once("close", () => resolve(undefined)));
        return await Promise.race([statusOf(call), late, settled(target)]);
      }),
    );
    const grown = target.rss() - rss;
    const { incidents } = await target.ask();
    session.destroy();
    const told = incidents.filter(({ cause }) => cause === "memory").length;
    const refused = statuses.filter((status) => status === "8").length;
    return {
      figures: `4 calls of 16 MiB: ${refused} refused, ${inMebibytes(grown)}, ${told} line logged`,
      holds: refused > 0 && grown <= room + 32 * mebibyte && told === 1,
    };
  },
};

/** Resolves once the server has told of it, a moment later: which calls it hits is the peer's order of sending. */
async function settled(target: Parameters<Attack["run"]>[0]): Promise<undefined> {
  await target.until(({ incidents }) => incidents.some(({ cause }) => cause === "memory"));
  await new Promise((resolve) => setTimeout(resolve, 300));
}
