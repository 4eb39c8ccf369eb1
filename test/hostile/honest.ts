// An honest client on a connection of its own, in a process of its own: `node honest.js PORT` calls again and again, and says at each
// message how long its calls since the last took.
import { FlightClient } from "arrow-flight-node";

export interface Latencies {
  calls: number;
  failed: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  longest: number;
}

const client = new FlightClient(`grpc://127.0.0.1:${process.argv[2]}`);
let took: number[] = [];
let failed = 0;
process.on("message", () => {
  took.sort((a, b) => a - b);
  const at = (share: number) => took[Math.floor(took.length * share)] ?? Number.POSITIVE_INFINITY;
  const latencies: Latencies = { calls: took.length, failed, p50: at(0.5), p99: at(0.99), longest: took.at(-1) ?? 0 };
  process.send?.(latencies);
  took = [];
  failed = 0;
});
process.on("disconnect", () => process.exit());
process.send?.("started");
for (;;) {
  const start = performance.now();
  try {
    for await (const _ of client.doAction({ type: "echo", body: Buffer.alloc(16) }, { timeoutMs: 10_000 }));
    took.push(performance.now() - start);
  } catch {
    failed++;
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}
