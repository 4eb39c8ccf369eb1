import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FlightServerOptions, Incident } from "arrow-flight-node";

/** "collect": after a garbage collection. */
export type Question = "tell" | "collect";

/** What the attacked server says of itself. */
export interface Answer {
  port: number;
  tlsPort: number;
  /** How many DoPuts have begun, were taken for complete, and were seen to be cut. */
  begun: number;
  complete: number;
  cut: number;
  incidents: Incident[];
  /** Its resident memory in bytes. */
  rss: number;
}

/** Options of the server under attack that can be handed to another process. */
export type TargetOptions = Omit<FlightServerOptions, "onIncident" | "middleware" | "services" | "tls">;

/** A server in a process of its own, to be attacked. */
export interface Target {
  port: number;
  tlsPort: number;
  ask(question?: Question): Promise<Answer>;
  /** Its resident memory at this moment, in bytes, also while it is too busy to answer. */
  rss(): number;
  cpuSeconds(): number;
  /** Asks until the answer is as wanted; returns the last one when `timeoutMs` are over. */
  until(wanted: (answer: Answer) => boolean, timeoutMs?: number): Promise<Answer>;
  stop(): Promise<void>;
}

/** Starts a server; `core` pins it to one processor. */
export async function startTarget(options: TargetOptions = {}, core?: number): Promise<Target> {
  const child = startNode("server.js", [JSON.stringify(options)], core);
  const [first] = (await once(child, "message")) as [Answer];
  let asked: Promise<unknown> = Promise.resolve();
  const ask = (question: Question = "tell"): Promise<Answer> => {
    const answer = asked.then(async () => {
      child.send(question);
      const [said] = (await once(child, "message")) as [Answer];
      return said;
    });
    asked = answer;
    return answer;
  };
  return {
    ...first,
    ask,
    rss: () => Number(readFileSync(`/proc/${child.pid}/statm`, "utf8").split(" ")[1]) * 4096,
    cpuSeconds() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async until(wanted, timeoutMs = 30_000) {
      const end = performance.now() + timeoutMs;
      for (;;) {
        const answer = await ask();
        if (wanted(answer) || performance.now() > end) return answer;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Starts one of this folder's programs, with a line of messages to it. */
export function startNode(program: string, args: readonly string[], core?: number): ChildProcess {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const node = [process.execPath, "--expose-gc", "--enable-source-maps", file, ...args];
  const command = core === undefined ? node : ["taskset", "-c", String(core), ...node];
  return spawn(command[0]!, command.slice(1), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
}
