import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { inMebibytes, mebibyte } from "./attack.js";
import type { Flood, Flooding } from "./flood.js";
import type { Latencies } from "./honest.js";
import { startNode, type Target } from "./target.js";

export interface FloodOutcome {
  flooding: Flooding;
  idle: Latencies;
  flooded: Latencies;
  /** Resident memory in bytes: before, at its highest, after it, and after a second one. */
  memory: { before: number; highest: number; after: number; again: number };
  /** The share of one processor that the server used. */
  cpu: number;
  figures: string;
  holds: boolean;
}

const warmUpMs = 3000;
const largestGrowth = 64 * mebibyte;
/**
 * What a second flood may add to what is left of the first. Of the first, code and heap stay, and up to 64 MiB of freed memory that the C
 * library keeps for the next reads.
 */
const largestAddition = 16 * mebibyte;
const secondFlood = { seconds: 3, from: "127.0.0.2" };

/** Floods a server that is pinned to processor 0 from processor 1, while an honest client of a third process calls it. */
export async function floodFor(target: Target, flood: Flood, seconds: number): Promise<FloodOutcome> {
  const honest = startNode("honest.js", [String(target.port)]);
  const ask = async (): Promise<Latencies> => {
    honest.send("tell");
    const [latencies] = (await once(honest, "message")) as [Latencies];
    return latencies;
  };
  await once(honest, "message");
  await wait(warmUpMs);
  await ask();
  await wait(Math.max(2000, Math.min(5000, seconds * 1000)));
  const idle = await ask();
  const before = (await target.ask("collect")).rss;
  await ask();

  let highest = before;
  const watch = setInterval(() => {
    highest = Math.max(highest, target.rss());
  }, 20);
  const cpuBefore = target.cpuSeconds();
  const flooding = await floodFrom(target, flood, seconds, "127.0.0.1");
  const flooded = await ask();
  const cpu = (target.cpuSeconds() - cpuBefore) / seconds;
  honest.kill();
  await wait(1000);
  clearInterval(watch);
  const after = (await target.ask("collect")).rss;

  // From another address: the first has its penalty.
  await floodFrom(target, flood, secondFlood.seconds, secondFlood.from);
  const again = (await target.ask("collect")).rss;

  const bound = Math.max(5 * idle.p99, 50);
  const lines = (await target.ask()).incidents.length;
  return {
    flooding,
    idle,
    flooded,
    memory: { before, highest, after, again },
    cpu,
    figures: [
      `p99 ${flooded.p99.toFixed(1)} ms (idle ${idle.p99.toFixed(1)}, p50 ${flooded.p50.toFixed(1)})`,
      `grew ${inMebibytes(highest - before)}, left ${inMebibytes(after - before)}, after another ${inMebibytes(again - before)}`,
      `cpu ${cpu.toFixed(2)}`,
      `${flooding.connections} connections, ${(flooding.bytes / 1e6).toFixed(0)} MB`,
      `${lines} logged`,
    ].join("; "),
    holds:
      flooded.p99 < bound &&
      flooded.failed === 0 &&
      highest - before <= largestGrowth &&
      again - after <= largestAddition &&
      lines <= 2,
  };
}

async function floodFrom(target: Target, flood: Flood, seconds: number, from: string): Promise<Flooding> {
  const flooder = startNode("flooder.js", [String(target.port), flood.name, String(seconds), from], 1);
  const [flooding] = (await once(flooder, "message")) as [Flooding];
  return flooding;
}
