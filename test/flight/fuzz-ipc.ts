import { execFileSync } from "node:child_process";
import path from "node:path";
import { parseArgs } from "node:util";
import { fixtures } from "./fixtures.js";
import { judge, type Verdict } from "./ipc-verdicts.js";

// node dist/test/flight/fuzz-ipc.js --minutes 60 --seed 1
// Damages streams of every type, compares with pyarrow round by round, and prints each difference that matters: a crash,
// a stream that pyarrow refuses and this package does not, and one that takes over two seconds. Exits with 1 after any.

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "1" }, seed: { type: "string", default: "1" } },
});
const until = Date.now() + Number(values.minutes) * 60_000;
const script = path.join(fixtures, "ipc-verdicts.py");
const tally = { streams: 0, accepted: 0, stricter: 0, findings: 0 };

function compare(verdict: Verdict): void {
  const started = performance.now();
  const wrong = (() => {
    try {
      const answer = judge(verdict);
      if (answer === "accepted") return verdict.at(-1) === false ? "pyarrow refuses it" : undefined;
      if (verdict.at(-1) === true) tally.stricter += 1;
      return undefined;
    } catch (reason) {
      return `crash: ${reason instanceof Error ? reason.stack : reason}`;
    }
  })();
  const finding = wrong ?? (performance.now() - started > 2_000 ? "it takes long" : undefined);
  tally.streams += 1;
  if (verdict.at(-1) === true) tally.accepted += 1;
  if (finding === undefined) return;
  tally.findings += 1;
  console.log(`${JSON.stringify(verdict)}: ${finding}`);
}

for (let seed = Number(values.seed); Date.now() < until; seed++) {
  const answer = execFileSync(path.resolve(".venv/bin/python"), [script, String(seed), "2000"], { maxBuffer: 1 << 26 });
  for (const verdict of JSON.parse(answer.toString()) as Verdict[]) compare(verdict);
}
console.log(
  `${tally.streams} streams; pyarrow accepts ${tally.accepted}, of which ${tally.stricter} are refused here.`,
);
console.log(`${tally.findings} findings.`);
process.exitCode = tally.findings > 0 ? 1 : 0;
