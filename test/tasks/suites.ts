import { testActors } from "./actor-suite.js";
import { testBackend } from "./backend-suite.js";
import { testCancel } from "./cancel-suite.js";
import { testResources } from "./resources-suite.js";
import { testReturns } from "./returns-suite.js";
import { scenariosOn } from "./scenario.js";
import type { MakeSession } from "./session.js";

/** The whole contract of a backend. */
export function testContract(make: MakeSession): void {
  const scenario = scenariosOn(make);
  testBackend(scenario);
  testResources(scenario);
  testReturns(scenario);
  testCancel(scenario);
  testActors(scenario);
}
