import { FlightClient, FlightServer } from "arrow-flight-node";
import { tail } from "./child.js";
import { runGoClient, startGoServer } from "./go-programs.js";
import { type Outcome, outcomeOf, type Result } from "./result.js";
import type { MissingScenario, Scenario } from "./scenario.js";

/** Arrow's scenarios: each against Arrow's client and Arrow's server. Of pyarrow there are no programs for them. */
export async function* scenarioMode(scenarios: readonly (Scenario | MissingScenario)[]): AsyncGenerator<Result> {
  for (const scenario of scenarios) {
    for (const [peer, against] of halves) {
      const outcome: Outcome =
        "missing" in scenario ? { is: "not run", why: scenario.missing } : await outcomeOf(() => against(scenario));
      yield { scenario: scenario.name, peer, outcome };
    }
  }
}

const halves = [
  ["arrow-go client", againstClient],
  ["arrow-go server", againstServer],
] as const;

async function againstClient({ name, handlers, serverOptions }: Scenario): Promise<void> {
  const server = new FlightServer(
    handlers(() => {}),
    serverOptions,
  );
  try {
    await runGoClient((await server.listen()).port, "-scenario", name);
  } finally {
    await server.close({ graceMs: 0 });
  }
}

async function againstServer({ name, client }: Scenario): Promise<void> {
  const server = await startGoServer(name);
  const uri = `grpc://127.0.0.1:${server.port}`;
  const ours = new FlightClient(uri);
  try {
    await client(ours, uri);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${tail(server.output())}`, { cause: error });
  } finally {
    await ours.close();
    await server.stop();
  }
}
