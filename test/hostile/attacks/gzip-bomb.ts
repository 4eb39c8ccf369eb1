import { gzipSync } from "node:zlib";
import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { connectTo, openCall, statusOf } from "../http2-client.js";

/** A message with gRPC's flag of compression, of 100 KiB that would become 100 MiB. */
export const gzipBomb: Attack = {
  name: "gzip bomb",
  bound: "UNIMPLEMENTED, ≤ 16 MiB",
  async run(target, share) {
    const bomb = gzipSync(Buffer.alloc(100 * mebibyte * share));
    const prefix = Buffer.alloc(5);
    prefix.writeUInt8(1);
    prefix.writeUInt32BE(bomb.byteLength, 1);
    const session = await connectTo(target.port);
    const { rss } = await target.ask("collect");
    const call = openCall(session, "DoPut", { "grpc-encoding": "gzip" });
    call.end(Buffer.concat([prefix, bomb]));
    const status = await statusOf(call);
    const grown = target.rss() - rss;
    session.destroy();
    return { figures: `status ${status}, ${inMebibytes(grown)}`, holds: status === "12" && grown <= 16 * mebibyte };
  },
};
