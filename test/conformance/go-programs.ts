import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { runBuild } from "./build.js";
import { runProgram, type ServerProcess, startServer, tail } from "./child.js";

const version = "v18.8.0";
const source = "github.com/apache/arrow-go/v18/arrow";
const folder = path.resolve(`.cache/conformance/bin/arrow-go-${version}`);
const packages = {
  "arrow-flight-integration-client": "internal/flight_integration/cmd/arrow-flight-integration-client",
  "arrow-flight-integration-server": "internal/flight_integration/cmd/arrow-flight-integration-server",
  "arrow-json-integration-test": "ipc/cmd/arrow-json-integration-test",
} as const;

type GoProgram = keyof typeof packages;

/** Arrow's Go programs, once they are built, and ours on Arrow's Go library, which is a client alone. */
export interface GoPrograms {
  peer: { name: "arrow-go"; client: readonly string[] };
}

/** Builds the programs where they are not there yet. Throws MissingTool without Go, and an error when a build fails. */
export async function buildGoPrograms(log: (line: string) => void): Promise<GoPrograms> {
  mkdirSync(folder, { recursive: true });
  const install = "Go 1.25 or newer (https://go.dev/dl)";
  for (const [name, at] of Object.entries(packages)) {
    if (existsSync(path.join(folder, name))) continue;
    log(`Building ${name} ${version}; the first one takes minutes.`);
    const args = ["install", `${source}/${at}@${version}`];
    await runBuild({ tool: "go", args, cwd: folder, env: { GOBIN: folder, GOFLAGS: "" }, install });
  }
  const own = path.join(folder, "flight-peer");
  const cwd = path.resolve("test/conformance/go");
  await runBuild({ tool: "go", args: ["build", "-o", own, "."], cwd, env: { GOFLAGS: "" }, install });
  return { peer: { name: "arrow-go", client: [own] } };
}

/** Runs Arrow's client against our server on `port`; throws with the end of its output when it is not content. */
export async function runGoClient(port: number, ...args: string[]): Promise<string> {
  return await run("arrow-flight-integration-client", "-host", "localhost", "-port", String(port), ...args);
}

/** Starts Arrow's server, in data mode or for a scenario. */
export async function startGoServer(scenario?: string): Promise<ServerProcess> {
  const args = scenario === undefined ? [] : ["-scenario", scenario];
  return await startServer(path.join(folder, "arrow-flight-integration-server"), ["-port", "0", ...args]);
}

/** Makes the JSON that Arrow's client reads from an IPC file, and has Go compare the two; throws when it cannot. */
export async function makeJson(arrow: string, json: string): Promise<void> {
  const files = ["-arrow", arrow, "-json", json, "-verbose=false"];
  if (!existsSync(json)) await run("arrow-json-integration-test", "-mode", "ARROW_TO_JSON", ...files);
  await run("arrow-json-integration-test", "-mode", "VALIDATE", ...files);
}

async function run(name: GoProgram, ...args: string[]): Promise<string> {
  const { code, output } = await runProgram(path.join(folder, name), args);
  if (code !== 0) throw new Error(`${name} ended with ${code ?? "a signal, after its time was up"}.\n${tail(output)}`);
  return output;
}
