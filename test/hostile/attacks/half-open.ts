import { setTimeout as wait } from "node:timers/promises";
import { FlightClient } from "arrow-flight-node";
import { type Attack, inMebibytes, mebibyte } from "../attack.js";
import { type Door, RawPeer } from "../raw-peer.js";
import type { Target } from "../target.js";

const timeouts = { handshakeTimeoutMs: 5000, firstCallTimeoutMs: 5000 };

/** Connections that begin and then say nothing, until the server ends them. */
function halfOpen(name: string, openDoor: (target: Target) => Door, begin: (peer: RawPeer) => void): Attack {
  return {
    name,
    bound: "≤ 64 MiB, an honest call answered, all ended",
    options: timeouts,
    async run(target, share) {
      const honest = new FlightClient(`grpc://127.0.0.1:${target.port}`);
      await call(honest);
      const { rss } = await target.ask("collect");
      const peers = Array.from({ length: Math.ceil(1000 * share) }, () => new RawPeer(openDoor(target)));
      for (const peer of peers) peer.socket.once("connect", () => begin(peer));
      await Promise.all(peers.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
      const answeredMs = await call(honest);
      const grown = target.rss() - rss;
      const left = new Set(peers);
      for (const peer of peers) void peer.closed.then(() => left.delete(peer));
      // Twice the timeout: what makes it late is the test's machine.
      for (let i = 0; i < 100 && left.size > 0; i++) await wait(100);
      await honest.close();
      for (const peer of left) peer.socket.destroy();
      return {
        figures: `${peers.length}: ${inMebibytes(grown)}, honest call ${answeredMs.toFixed(0)} ms, ${left.size} left`,
        holds: grown <= 64 * mebibyte && left.size === 0,
      };
    },
  };
}

async function call(client: FlightClient): Promise<number> {
  const start = performance.now();
  for await (const _ of client.doAction({ type: "echo" }, { timeoutMs: 10_000 }));
  return performance.now() - start;
}

export const halfOpenTcp = halfOpen(
  "half-open TCP",
  ({ port }) => ({ port }),
  () => {},
);

/** A TCP connection to a server of TLS that sends no hello. */
export const halfOpenTls = halfOpen(
  "half-open TLS",
  ({ tlsPort }) => ({ port: tlsPort }),
  () => {},
);

export const prefaceOnly = halfOpen(
  "preface and no call",
  ({ port }) => ({ port }),
  (peer) => peer.greet(),
);
