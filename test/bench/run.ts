import { appendFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { BenchRow, Room } from "./measure.js";

const help = `npm run bench -- <room>... [options]: one line of JSON a figure, on standard output

  --check      exit with 1 when a target is missed (a figure that is not run misses none, but is printed)
  --rounds N   measured rounds a figure (default 5; fewer are for trying a benchmark out)
  --record     append the figures to test/bench/history/<room>.jsonl, with date and machine
  --help

Rooms:`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    record: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const rooms = new Map<string, Room>();
for (const file of readdirSync(import.meta.dirname).sort()) {
  if (!/^[a-z-]+\.js$/.test(file) || file === "run.js") continue;
  const module = (await import(`./${file}`)) as Partial<Room>;
  if (typeof module.room === "string" && module.rows !== undefined) rooms.set(file.slice(0, -3), module as Room);
}

const rounds = Number(values.rounds);
const unknown = positionals.filter((name) => !rooms.has(name));
if (values.help || positionals.length === 0 || unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  const list = [...rooms].map(([name, { room }]) => `  ${name.padEnd(12)} ${room}\n`).join("");
  (values.help ? process.stdout : process.stderr).write(`${help}\n${list}`);
  if (unknown.length > 0)
    process.stderr.write(`\nThere is no room ${unknown.map((name) => `"${name}"`).join(", ")}.\n`);
  process.exit(values.help ? 0 : 2);
}

let missed = 0;
for (const name of positionals) {
  for await (const row of rooms.get(name)!.rows({ rounds })) {
    process.stdout.write(`${JSON.stringify(row)}\n`);
    if (values.record) record(name, row);
    if ("holds" in row && !row.holds) missed += 1;
  }
}
if (missed > 0) process.stderr.write(`${missed} ${missed === 1 ? "target is" : "targets are"} missed.\n`);
process.exit(values.check && missed > 0 ? 1 : 0);

function record(name: string, row: BenchRow): void {
  const folder = "test/bench/history";
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
  const entry = { date: new Date().toISOString(), ...row, machine };
  appendFileSync(`${folder}/${name}.jsonl`, `${JSON.stringify(entry)}\n`);
}
