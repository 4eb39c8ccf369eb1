import { type Result, sides } from "./result.js";

/** The table of scenario × peer, then what failed and what was not run, each with its reason, then the counts. */
export function formatResults(results: readonly Result[]): string {
  const scenarios = [...new Set(results.map(({ scenario }) => scenario))];
  const names = [...new Set(results.map(({ peer }) => nameOf(peer)))];
  const width = Math.max(...scenarios.map((name) => name.length)) + 2;
  const line = (first: string, cells: readonly string[], cellWidth: number) =>
    `${first.padEnd(width)}${cells.map((cell) => cell.padEnd(cellWidth)).join("")}`.trimEnd();
  const peers = names.flatMap((name) => sides.map((side) => `${name} ${side}`));
  const outcomes = new Map(results.map(({ scenario, peer, outcome }) => [`${scenario} ${peer}`, outcome.is]));
  return [
    line("against", names, 18),
    line(
      "",
      names.flatMap(() => sides),
      9,
    ),
    ...scenarios.map((scenario) =>
      line(
        scenario,
        peers.map((peer) => outcomes.get(`${scenario} ${peer}`) ?? "-"),
        9,
      ),
    ),
    ...reasons(results, "not run"),
    ...reasons(results, "FAIL"),
    "",
    ...peers.filter((peer) => results.some((result) => result.peer === peer)).map((peer) => counts(peer, results)),
  ].join("\n");
}

function nameOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(" "));
}

/** One entry a reason and scenario: what was not run with two peers for one reason is said once. */
function reasons(results: readonly Result[], kind: "not run" | "FAIL"): string[] {
  const entries = new Map<string, string[]>();
  for (const { scenario, peer, outcome } of results) {
    if (outcome.is !== kind) continue;
    const entry = `${kind}: ${scenario}: ${outcome.why}`;
    entries.set(entry, [...(entries.get(entry) ?? []), peer]);
  }
  return [...entries].flatMap(([entry, peers]) => ["", entry.replace(": ", ` (${peers.join(", ")}): `)]);
}

function counts(peer: string, results: readonly Result[]): string {
  const count = (kind: string) => results.filter((result) => result.peer === peer && result.outcome.is === kind).length;
  return `${peer.padEnd(18)}${count("pass")} passed, ${count("FAIL")} failed, ${count("not run")} not run`;
}
