import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { fixtures } from "./fixtures.js";

/** Starts one of the fixtures' Python programs in the environment that the project's set-up makes. */
export function startPython(script: string, ...args: string[]): ChildProcessWithoutNullStreams {
  const python = path.resolve(".venv/bin/python");
  if (!existsSync(python)) throw new Error(`${python} is missing: run npm test, which makes it.`);
  return spawn(python, [path.join(fixtures, script), ...args]);
}

/** Runs a scenario of pyarrow's client and returns what it printed. */
export async function runPyarrow(uri: string, scenario: string, ...args: string[]): Promise<unknown> {
  const child = startPython("client.py", uri, scenario, ...args);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    err += chunk;
  });
  const code = await new Promise((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`client.py ${scenario} ended with ${code}: ${err}`);
  return JSON.parse(out);
}

/** Starts pyarrow's server, plain or with one of its options. `stop` ends it and waits for its end. */
export async function startPyarrowServer(
  ...args: string[]
): Promise<{ uri: string; stop(): Promise<void>; kill(): Promise<void>; stand(): void }> {
  const child = startPython("server.py", ...args);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const [port] = await Promise.race([
    createInterface(child.stdout)
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [value]),
    ended.then(() => {
      throw new Error("server.py ended before it listened");
    }),
  ]);
  return {
    uri: `grpc://127.0.0.1:${port}`,
    stop: () => {
      child.stdin.end();
      return ended;
    },
    kill: () => {
      child.kill("SIGKILL");
      return ended;
    },
    /** Stands still until it is killed: its connections stay, and say nothing more. */
    stand: () => void child.kill("SIGSTOP"),
  };
}
