import { parseArgs } from "node:util";
import { dataMode } from "./data-mode.js";
import { buildGoPrograms } from "./go-programs.js";
import { ipcFiles } from "./ipc-files.js";
import type { Result } from "./result.js";
import { scenarioMode } from "./scenario-mode.js";
import { missingScenarios, scenarios } from "./scenarios/index.js";
import { formatResults } from "./table.js";

const help = `npm run conformance -- [options]: arrow-flight-node against other implementations, as server and as client

It builds Arrow's Go programs into .cache/conformance (Go 1.25 or newer), runs Arrow's integration scenarios and the data
mode with data of every type against them, the data mode also against pyarrow, and prints one table. It ends with 1 when
something failed. What was not run is listed with its reason.

  --only PATTERN   the scenarios whose name matches a regular expression: "^data:", "ordered", "dictionary"
  --help
`;

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, help: { type: "boolean", short: "h", default: false } },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}

const only = new RegExp(values.only);
const log = (line: string) => process.stderr.write(`${line}\n`);
const results: Result[] = [];
try {
  await buildGoPrograms(log);
  const files = (await ipcFiles()).filter(({ name }) => only.test(`data: ${name}`));
  const chosen = [...scenarios, ...missingScenarios].filter(({ name }) => only.test(name));
  for await (const result of scenarioMode(chosen)) results.push(noted(result));
  if (files.length > 0) for await (const result of dataMode(files)) results.push(noted(result));
} catch (error) {
  log(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
if (results.length === 0) {
  log(`No scenario matches ${only}.`);
  process.exit(2);
}
process.stdout.write(`${formatResults(results)}\n`);
process.exit(results.some(({ outcome }) => outcome.is === "FAIL") ? 1 : 0);

function noted(result: Result): Result {
  if (result.outcome.is === "FAIL") log(`failed: ${result.scenario}, ${result.peer}`);
  return result;
}
