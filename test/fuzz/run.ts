import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { Foreign } from "./foreign.js";
import { emptyTally, type Finding, fuzz, type Tally } from "./fuzz.js";
import { Judge } from "./judge.js";
import { fuzzRooms, roomNamed } from "./rooms.js";

const help = `npm run fuzz -- [options]: damages valid bytes of every kind and judges what becomes of them

  --minutes N   how long (default 1), shared by the rooms in turns
  --seed S      where the draw begins (default 1); the same seed draws the same inputs
  --only ROOM   ${fuzzRooms.map(({ name }) => name).join(", ")}; may be given several times (default: all)
  --out FOLDER  where findings go, one file each (default out/fuzz)
  --help

Prints a line a minute and a summary. Exits with 1 when there are findings: a crash, a hang of over 5 s, or an answer that
contradicts pyarrow's.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    only: { type: "string", multiple: true },
    out: { type: "string", default: "out/fuzz" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}

const rooms = values.only?.map(roomNamed) ?? fuzzRooms;
const began = performance.now();
const minutes = () => (performance.now() - began) / 60_000;
const tallies = new Map<string, Tally>(rooms.map(({ name }) => [name, emptyTally()]));
const findings: Finding[] = [];
let reported = 0;
/** A room that has as many findings is passed over: more of them tell little more. */
const enough = 20;

await using judge = new Judge();
await using foreign = new Foreign();
for (let seed = Number(values.seed); minutes() < Number(values.minutes); seed++) {
  for (const room of rooms) {
    if (findings.filter((finding) => finding.room === room.name).length >= enough) continue;
    const finding = await fuzz(room, { seed, runs: 2_000, judge, foreign, tally: tallies.get(room.name)! });
    if (finding !== undefined) keep(finding, seed);
  }
  if (minutes() - reported < 1) continue;
  reported = minutes();
  report();
}
report();
console.log(`${findings.length} findings in ${minutes().toFixed(1)} minutes from seed ${values.seed} on.`);
process.exitCode = findings.length > 0 ? 1 : 0;

function keep(finding: Finding, seed: number): void {
  findings.push(finding);
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, `${finding.room}-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(finding)}\n`);
  console.log(`${file}: ${finding.sample}: ${finding.what}`);
}

function report(): void {
  for (const [name, tally] of tallies) {
    const { inputs, accepted, witnessed, witnessAccepted, stricter, witnessCrashes, slowestMs } = tally;
    const asked =
      witnessed > 0 ? `; pyarrow reads ${witnessAccepted} of ${witnessed}, ${stricter} of them refused here` : "";
    const crashes = witnessCrashes > 0 ? `; pyarrow crashed ${witnessCrashes} times` : "";
    const slowest = `; slowest ${Math.round(slowestMs)} ms`;
    console.log(`${minutes().toFixed(1)} min, ${name}: ${inputs} inputs, ${accepted} read${asked}${crashes}${slowest}`);
  }
}
