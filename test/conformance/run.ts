import { parseArgs } from "node:util";
import { MissingTool } from "./build.js";
import { calls } from "./calls/index.js";
import { dataMode } from "./data-mode.js";
import { buildGoPrograms } from "./go-programs.js";
import { buildGrpcGo } from "./interop/go-programs.js";
import { interopMode, interopNames } from "./interop/interop-mode.js";
import { ipcFiles } from "./ipc-files.js";
import { peerMode } from "./peer-mode.js";
import { java, type Peer, pyarrow, rust } from "./peers.js";
import { type Result, sides } from "./result.js";
import { startComparer } from "./same.js";
import { scenarioMode } from "./scenario-mode.js";
import { missingScenarios, scenarios } from "./scenarios/index.js";
import { formatResults } from "./table.js";

const help = `npm run conformance -- [options]: arrow-flight-node against other implementations, as server and as client

It builds Arrow's Go programs into .cache/conformance (Go 1.25 or newer), runs Arrow's integration scenarios and the data
mode with data of every type against them, the data mode also against pyarrow, gRPC's interop cases against grpc-go's
client and server, and prints one table. It ends with 1 when
something failed. What was not run is listed with its reason, and so is a peer whose tools are not installed.

  --all            also a Java peer (Maven and a JDK of 17 or newer) and a Rust peer (cargo), built on Arrow's libraries:
                   the calls one by one, logins, TLS, errors, cancelling, back-pressure and a server's graceful end
  --only PATTERN   the scenarios whose name matches a regular expression: "^data:", "^call:", "^grpc:", "ordered", "dictionary"
  --help
`;

const { values } = parseArgs({
  options: {
    all: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}

const only = new RegExp(values.only);
const log = (line: string) => process.stderr.write(`${line}\n`);
const results: Result[] = [];
const comparer = startComparer();
try {
  const files = (await ipcFiles()).filter(({ name }) => only.test(`data: ${name}`));
  await note("arrow-go", async function* () {
    const programs = await buildGoPrograms(log);
    yield* scenarioMode([...scenarios, ...missingScenarios].filter(({ name }) => only.test(name)));
    if (files.length > 0) yield* dataMode(programs, files, comparer.same);
  });
  const interop = interopNames.filter((name) => only.test(name));
  if (interop.length > 0) {
    await note("grpc-go", async function* () {
      await buildGrpcGo(log);
      yield* interopMode(interop);
    });
  }
  const chosen = [...scenarios, ...calls].filter(({ name }) => only.test(name));
  for (const peer of values.all ? [pyarrow, java, rust] : [pyarrow]) {
    await note(peer.name, () => meet(peer));
  }

  async function* meet(peer: Peer): AsyncGenerator<Result> {
    yield* peerMode(await peer.build(log), chosen, files, comparer.same);
  }
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
} finally {
  await comparer.end();
}
if (results.length === 0) {
  log(`No scenario matches ${only}.`);
  process.exit(2);
}
process.stdout.write(`${formatResults(results)}\n`);
process.exit(results.some(({ outcome }) => outcome.is === "FAIL") ? 1 : 0);

/** Keeps the results of one implementation; one whose tools are missing has one, which says so. */
async function note(name: string, run: () => AsyncIterable<Result>): Promise<void> {
  let passed = 0;
  try {
    for await (const result of run()) {
      results.push(result);
      if (result.outcome.is === "FAIL") log(`failed: ${result.scenario}, ${result.peer}`);
      if (result.outcome.is === "pass" && ++passed % 50 === 0) log(`${name}: ${passed} passed`);
    }
  } catch (error) {
    if (!(error instanceof MissingTool)) throw error;
    for (const side of sides) {
      results.push({ scenario: "everything", peer: `${name} ${side}`, outcome: { is: "not run", why: error.message } });
    }
  }
}
