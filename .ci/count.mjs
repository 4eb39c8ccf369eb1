// node .ci/count.mjs TAP CHECKS EXIT: adds up what the tests and the other checks gave, lists what failed and what
// was skipped by name, and ends with "N passed, N failed, N skipped". Exits 1 on any failure, or where no test ran.
import { readFileSync } from "node:fs";

const [tapFile, checksFile, exitCode] = process.argv.slice(2);
const passed = [];
const failed = [];
const skipped = [];

for (const line of readFileSync(tapFile, "utf8").split("\n")) {
  const [, not, rest] = /^(not )?ok\b(?: \d+)?(?: - )?(.*)$/.exec(line) ?? [];
  if (rest === undefined) continue;
  const [title, directive] = rest.split(/ # (?=skip|todo)/i);
  if (directive !== undefined) skipped.push(`${title} (${directive.trim()})`);
  else (not ? failed : passed).push(title);
}
if (passed.length === 0) failed.push("npm test: no test ran");
else if (exitCode !== "0" && failed.length === 0) failed.push(`npm test: ended with exit code ${exitCode}`);

for (const line of readFileSync(checksFile, "utf8").trim().split("\n")) {
  const [, result, name] = /^(\w+) (.*)$/.exec(line);
  (result === "passed" ? passed : failed).push(name);
}

for (const name of failed) console.log(`failed: ${name}`);
for (const name of skipped) console.log(`skipped: ${name}`);
console.log(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
process.exitCode = failed.length > 0 ? 1 : 0;
