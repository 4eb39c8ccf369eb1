// node .ci/count.mjs TESTS CHECKS EXIT: adds up what the tests (ava's output) and the other checks gave, lists what
// failed and what was skipped by name, and ends with "N passed, N failed, N skipped". Exits 1 on any failure, or where
// no test ran. (Not from ava's TAP: its TAP reporter dies of a test that runs out of time, and loses that test's name.)
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

const [testsFile, checksFile, exitCode] = process.argv.slice(2);
const passed = [];
const failed = [];
const skipped = [];

for (const line of stripVTControlCharacters(readFileSync(testsFile, "utf8")).split("\n")) {
  const [, mark, text] = /^ {2}([✔√✘×◌-]) (.*)$/.exec(line) ?? [];
  if (mark === "✔" || mark === "√") passed.push(text);
  else if (mark === "✘" || mark === "×") failed.push(text.replace("[fail]: ", ""));
  else if (mark === "◌") failed.push(`${text} (ran out of time)`);
  else if (mark === "-" && /^\[(skip|todo)\]/.test(text)) skipped.push(text.replace(/^\[skip\] /, ""));
  else if (/^ {2}(Uncaught exception|Unhandled rejection) in /.test(line)) failed.push(line.trim());
}
if (passed.length === 0) failed.push("npm test: no test passed");
else if (exitCode !== "0" && failed.length === 0) failed.push(`npm test: ended with exit code ${exitCode}`);

for (const line of readFileSync(checksFile, "utf8").trim().split("\n")) {
  const [, result, name] = /^(\w+) (.*)$/.exec(line);
  (result === "passed" ? passed : failed).push(name);
}

for (const name of failed) console.log(`failed: ${name}`);
for (const name of skipped) console.log(`skipped: ${name}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length > 0 ? 1 : 0;
