import { peers, type Result } from "./result.js";

/** The table of scenario × peer, then what failed and what was not run, each with its reason, then the counts. */
export function formatResults(results: readonly Result[]): string {
  const scenarios = [...new Set(results.map(({ scenario }) => scenario))];
  const width = Math.max(8, ...scenarios.map((name) => name.length)) + 2;
  const columns = peers.filter((peer) => results.some((result) => result.peer === peer));
  const line = (cells: readonly string[], first: string) =>
    `${first.padEnd(width)}${cells.map((cell) => cell.padEnd(18)).join("")}`.trimEnd();
  const cellOf = (scenario: string, peer: string) =>
    results.find((result) => result.scenario === scenario && result.peer === peer)?.outcome.is ?? "-";
  return [
    line(columns, "against"),
    ...scenarios.map((scenario) =>
      line(
        columns.map((peer) => cellOf(scenario, peer)),
        scenario,
      ),
    ),
    ...reasons(results, "not run"),
    ...reasons(results, "FAIL"),
    "",
    ...columns.map((peer) => counts(peer, results)),
  ].join("\n");
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
