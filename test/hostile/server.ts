// The server that is attacked, in a process of its own: `node --expose-gc server.js OPTIONS`, which answers the questions of target.ts.
import { readFileSync } from "node:fs";
import { FlightServer, type FlightServerOptions, type Incident } from "arrow-flight-node";
import type { Answer, Question } from "./target.js";

const given = JSON.parse(process.argv[2] ?? "{}") as FlightServerOptions;
const incidents: Incident[] = [];
const counts = { begun: 0, complete: 0, cut: 0 };
const onIncident = (incident: Incident) => void incidents.push(incident);
const handlers = {
  async *doAction({ body }: { body: Uint8Array }) {
    yield body;
  },
  async doPut(messages: AsyncIterable<{ appMetadata: Uint8Array }>) {
    counts.begun++;
    try {
      for await (const { appMetadata } of messages) if (appMetadata.byteLength > 0) await new Promise(() => {});
      counts.complete++;
    } catch (reason) {
      counts.cut++;
      throw reason;
    }
  },
  async *doGet() {
    for (;;) yield { body: Buffer.allocUnsafeSlow(1 << 20).fill(1) };
  },
};
const fixture = (name: string) => readFileSync(`test/fixtures/flight/tls/${name}`);
const plain = new FlightServer(handlers, { ...given, onIncident });
const secure = new FlightServer(handlers, {
  ...given,
  onIncident,
  tls: { cert: fixture("server.pem"), key: fixture("server.key") },
});
const ports = { port: (await plain.listen()).port, tlsPort: (await secure.listen()).port };

async function answer(question: Question): Promise<Answer> {
  if (question === "collect") {
    // The second collects what finalizers of the first let go.
    for (let i = 0; i < 2; i++) {
      globalThis.gc?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { ...ports, ...counts, incidents: [...incidents], rss: process.memoryUsage.rss() };
}

process.on("message", (question: Question) => void answer(question).then((said) => process.send?.(said)));
process.on("disconnect", () => process.exit());
process.send?.(await answer("tell"));
