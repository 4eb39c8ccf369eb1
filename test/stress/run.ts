import { parseArgs } from "node:util";
import type { Outcome } from "./room.js";
import { rooms } from "./rooms.js";

const help = `npm run stress -- [options]: much work on dying workers, and whether anything is lost, wrong or there twice

Each room is a session of two CPUs, unless it says otherwise, and work that a seed makes. What dies and when is random, too, but depends
on the machine's timing as well. At the end there is one table; the command ends with 1 when a bound does not hold.

  --list           the names, and what each must keep to
  --only PATTERN   those whose name matches a regular expression
  --seed N         what the work is made from (default 1)
  --share N        how much of each room's full size to run (default 1)
  --help
`;

const { values } = parseArgs({
  options: {
    list: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    seed: { type: "string", default: "1" },
    share: { type: "string", default: "1" },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
const only = new RegExp(values.only);
const chosen = rooms.filter(({ name }) => only.test(name));
if (chosen.length === 0) {
  process.stderr.write(`No room matches ${only}; --list names them.\n`);
  process.exit(2);
}
if (values.list) {
  for (const { name, bound } of chosen) process.stdout.write(`${name.padEnd(24)}${bound}\n`);
  process.exit(0);
}

const options = { seed: Number(values.seed), share: Number(values.share) };
const lines: string[] = [];
let broken = 0;
for (const { name, bound, run } of chosen) {
  const began = performance.now();
  const outcome = await run(options).catch((error: unknown): Outcome => {
    return { figures: "", broken: [error instanceof Error ? (error.stack ?? error.message) : String(error)] };
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  const holds = outcome.broken.length === 0;
  if (!holds) broken++;
  process.stderr.write(`${name}: ${holds ? "holds" : "DOES NOT"}, ${seconds} s\n`);
  lines.push(`${name.padEnd(22)}${(holds ? "holds" : "DOES NOT").padEnd(10)}${outcome.figures}; ${seconds} s`);
  lines.push(`${"".padEnd(32)}[${bound}]`);
  for (const what of outcome.broken) lines.push(`${"".padEnd(32)}${what}`);
}
process.stdout.write(
  `${lines.join("\n")}\n\n${broken === 0 ? "Every bound holds" : `${broken} of ${chosen.length} do not hold`}, seed ${options.seed}.\n`,
);
process.exit(broken > 0 ? 1 : 0);
