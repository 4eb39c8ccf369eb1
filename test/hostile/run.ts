import { parseArgs } from "node:util";
import type { Outcome } from "./attack.js";
import { attacks } from "./attacks/index.js";
import { floodFor } from "./flood-attack.js";
import { floods } from "./floods/index.js";
import { buildH2spec, runH2spec } from "./h2spec.js";
import { startTarget } from "./target.js";

const help = `npm run hostile -- [options]: what hostile peers cost a server of arrow-flight-node

Each attack is made on a server in a process of its own, whose resident memory is read from /proc. A flood comes from processor 1, the
server has processor 0, and a third process makes small calls on its own connection: how long they take is measured before and
during the flood. h2spec is built with Go and compares with a bare server of node:http2. At the end there is one table; the command
ends with 1 when a bound does not hold. It needs Linux, and taskset.

  --list           the names, and what each must keep to
  --only PATTERN   those whose name matches a regular expression
  --seconds N      how long each flood lasts (default 30)
  --share N        how much of each attack's full size to run (default 1)
  --help
`;

const { values } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seconds: { type: "string", default: "30" },
    share: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  },
});
const seconds = Number(values.seconds);
const share = Number(values.share);

interface Entry {
  name: string;
  bound: string;
  /** Its outcome, or why it could not be run. */
  run(): Promise<Outcome | string>;
}

const floodBound = "p99 < max(5 × idle, 50 ms); ≤ 64 MiB, and another adds nothing";
const entries: readonly Entry[] = [
  { name: "h2spec", bound: "no failure that bare node:http2 has not", run: compareWithH2spec },
  ...floods.map((flood) => ({
    name: `${flood.name} flood`,
    bound: floodBound,
    async run() {
      const target = await startTarget({}, 0);
      try {
        return await floodFor(target, flood, seconds);
      } finally {
        await target.stop();
      }
    },
  })),
  ...attacks.map((attack) => ({
    name: attack.name,
    bound: attack.bound,
    async run() {
      const target = await startTarget(attack.options);
      try {
        return await attack.run(target, share);
      } finally {
        await target.stop();
      }
    },
  })),
];

if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const only = new RegExp(values.only);
const chosen = entries.filter(({ name }) => only.test(name));
if (chosen.length === 0) {
  process.stderr.write(`No attack matches ${only}; --list names them.\n`);
  process.exit(2);
}
if (values.list) {
  for (const { name, bound } of chosen) process.stdout.write(`${name.padEnd(24)}${bound}\n`);
  process.exit(0);
}

const lines: string[] = [];
let broken = 0;
let notRun = 0;
for (const { name, bound, run } of chosen) {
  const outcome = await run().catch((error: unknown): Outcome => {
    return { figures: error instanceof Error ? (error.stack ?? error.message) : String(error), holds: false };
  });
  const verdict = typeof outcome === "string" ? "not run" : outcome.holds ? "holds" : "DOES NOT";
  if (typeof outcome === "string") notRun++;
  else if (!outcome.holds) broken++;
  process.stderr.write(`${name}: ${verdict}\n`);
  lines.push(`${name.padEnd(22)}${verdict.padEnd(10)}${typeof outcome === "string" ? outcome : outcome.figures}`);
  lines.push(`${"".padEnd(32)}[${bound}]`);
}
process.stdout.write(
  `${lines.join("\n")}\n\n${broken === 0 ? "Every bound holds" : `${broken} of ${chosen.length} do not hold`}${notRun === 0 ? "" : `, ${notRun} not run`}.\n`,
);
process.exit(broken > 0 ? 1 : 0);

async function compareWithH2spec(): Promise<Outcome | string> {
  const missing = await buildH2spec();
  if (missing !== undefined) return missing;
  const { bare, ours } = await runH2spec();
  const regressions = ours.failed.filter((one) => !bare.failed.includes(one));
  const counts = ({ passed, skipped, failed }: typeof bare) =>
    `${passed.length} passed, ${skipped.length} skipped, ${failed.length} failed`;
  return {
    figures: [
      `ours ${counts(ours)}; bare ${counts(bare)}`,
      ...regressions.map((one) => `only ours fails: ${one}`),
    ].join("; "),
    holds: regressions.length === 0 && ours.passed.length > 100,
  };
}
