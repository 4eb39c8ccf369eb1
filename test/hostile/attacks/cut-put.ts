import { encodeFlightData, methodPath } from "arrow-flight-node/protocol";
import { dataFrame, preface, requestFrame } from "../../flight/http2-bytes.js";
import type { Attack } from "../attack.js";
import { RawPeer } from "../raw-peer.js";

const seed = 20_261_123;

/** Numbers in [0, 1) from a seed: mulberry32. */
function* randoms(from: number): Generator<number> {
  for (let state = from; ; ) {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    yield ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** A DoPut whose connection ends at a random byte, in order or not. Complete is only the one that was sent to its end. */
export const cutPut: Attack = {
  name: "cut DoPut",
  bound: "never taken for complete",
  async run(target, share) {
    const message = (bytes: number) =>
      Buffer.concat(encodeFlightData({ descriptor: { type: "path", path: ["x"] }, body: new Uint8Array(bytes) }));
    const frames = [
      dataFrame(message(1000)),
      dataFrame(message(10_000).subarray(0, 5000)),
      dataFrame(message(10_000).subarray(5000)),
      dataFrame(message(9)),
      dataFrame(Buffer.alloc(0), true),
    ];
    const whole = Buffer.concat([preface, requestFrame(methodPath("DoPut")), ...frames]);
    const cuts = Math.ceil(200 * share);
    const before = await target.ask();
    const random = randoms(seed);
    for (let i = 0; i < cuts; i++) {
      const peer = new RawPeer(target);
      const at = Math.floor(random.next().value! * whole.byteLength);
      await peer.send(whole.subarray(0, at));
      if (i % 2 === 0) peer.socket.end();
      else peer.socket.destroySoon();
      await peer.closed;
    }
    const ended = ({ begun, complete, cut }: { begun: number; complete: number; cut: number }) =>
      begun === complete + cut;
    const after = await target.until(ended);
    const peer = new RawPeer(target);
    await peer.send(whole);
    const last = await target.until(({ complete }) => complete > after.complete);
    peer.socket.destroy();
    const taken = after.complete - before.complete;
    return {
      figures: `${cuts} cuts (seed ${seed}): ${after.cut - before.cut} seen as cut, ${taken} as complete`,
      holds: taken === 0 && ended(after) && last.complete === after.complete + 1,
    };
  },
};
