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
  /** Resident memory in bytes: before, at its highest, and after a garbage collection at the end. */
  memory: { before: number; highest: number; after: number };
  /** The share of one processor that the server used. */
  cpu: number;
  figures: string;
  holds: boolean;
}

const warmUpMs = 3000;
const largestGrowth = 64 * mebibyte;
/** What may be left of it afterwards: the C library keeps that much freed memory. */
const largestRest = 32 * mebibyte;

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
  const flooder = startNode("flooder.js", [String(target.port), flood.name, String(seconds)], 1);
  const [flooding] = (await once(flooder, "message")) as [Flooding];
  const flooded = await ask();
  const cpu = (target.cpuSeconds() - cpuBefore) / seconds;
  honest.kill();
  await wait(1000);
  clearInterval(watch);
  const after = (await target.ask("collect")).rss;

  const bound = Math.max(5 * idle.p99, 50);
  const lines = (await target.ask()).incidents.length;
  return {
    flooding,
    idle,
    flooded,
    memory: { before, highest, after },
    cpu,
    figures: [
      `p99 ${flooded.p99.toFixed(1)} ms (idle ${idle.p99.toFixed(1)}, p50 ${flooded.p50.toFixed(1)})`,
      `grew ${inMebibytes(highest - before)}, left ${inMebibytes(after - before)}`,
      `cpu ${cpu.toFixed(2)}`,
      `${flooding.connections} connections, ${(flooding.bytes / 1e6).toFixed(0)} MB`,
      `${lines} logged`,
    ].join("; "),
    holds:
      flooded.p99 < bound &&
      flooded.failed === 0 &&
      highest - before <= largestGrowth &&
      after - before <= largestRest &&
      lines <= 2,
  };
}
