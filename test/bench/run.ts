import { appendFileSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import type { BenchRow, Room } from "./measure.js";

const help = `npm run bench -- <room>... [options]: one line of JSON a figure, on standard output

  --check      exit with 1 when a target is missed (a figure that is not run misses none, but is printed)
  --rounds N   measured rounds a figure (default 5, or what the room says; fewer are for trying a benchmark out)
  --only NAME  only the figures whose name has NAME in it, spaces written as "-": --only server-doget; may be repeated
  --record     append the figures to test/bench/history/<room>.jsonl, with date, machine and its load
  --help

Rooms:`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: "boolean", default: false },
    rounds: { type: "string" },
    only: { type: "string", multiple: true, default: [""] },
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

const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const wrongRounds = rounds !== undefined && (!Number.isInteger(rounds) || rounds < 1);
const unknown = positionals.filter((name) => !rooms.has(name));
if (values.help || positionals.length === 0 || unknown.length > 0 || wrongRounds) {
  const list = [...rooms].map(([name, { room }]) => `  ${name.padEnd(12)} ${room}\n`).join("");
  (values.help ? process.stdout : process.stderr).write(`${help}\n${list}`);
  if (unknown.length > 0)
    process.stderr.write(`\nThere is no room ${unknown.map((name) => `"${name}"`).join(", ")}.\n`);
  process.exit(values.help ? 0 : 2);
}

let missed = 0;
for (const name of positionals) {
  const room = rooms.get(name)!;
  for await (const row of room.rows({ rounds: rounds ?? room.rounds ?? 5, wanted })) {
    process.stdout.write(`${JSON.stringify(row)}\n`);
    if (values.record) record(name, row);
    if ("holds" in row && !row.holds) missed += 1;
  }
}
if (missed > 0) process.stderr.write(`${missed} ${missed === 1 ? "target is" : "targets are"} missed.\n`);
process.exit(values.check && missed > 0 ? 1 : 0);

function wanted(figure: string): boolean {
  return values.only.some((name) => slug(figure).includes(slug(name)));
}

function slug(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
}

function record(name: string, row: BenchRow): void {
  const folder = "test/bench/history";
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    node: process.version,
    load: loadavg()[0],
  };
  const entry = { date: new Date().toISOString(), ...row, machine };
  appendFileSync(`${folder}/${name}.jsonl`, `${JSON.stringify(entry)}\n`);
}
