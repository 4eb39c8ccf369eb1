import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
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

/** Builds Arrow's Go programs where they are not there yet. Throws, and says what to do, when Go is missing or fails. */
export async function buildGoPrograms(log: (line: string) => void): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, at] of Object.entries(packages)) {
    if (existsSync(path.join(folder, name))) continue;
    log(`Building ${name} ${version}; the first one takes minutes.`);
    const target = `${source}/${at}@${version}`;
    const built = await runProgram("go", ["install", target], {
      env: { GOBIN: folder, GOFLAGS: "" },
      cwd: folder,
      timeoutMs: 20 * 60_000,
    }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new Error(
        `${name} is built with Go, and there is no go on the PATH. Install Go 1.25 or newer (https://go.dev/dl).`,
      );
    });
    if (built.code !== 0) {
      throw new Error(`go install ${target} failed: check the network and the version of Go.\n${tail(built.output)}`);
    }
  }
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
