import type { FlightClient, FlightHandlers, FlightServerOptions } from "arrow-flight-node";

/** An exchange that two implementations have to agree on, both halves: each is run against the other half of a foreign peer. */
export interface Scenario {
  /** The name that the peers' programs know it by. */
  name: string;
  /** What our server answers with. Its state begins anew with each call. `closeServer` ends the server while calls are under way. */
  handlers(closeServer: () => void): FlightHandlers;
  serverOptions?: FlightServerOptions;
  /** What our client does; throws when the server answers something else than the scenario says. `uri` is for a client with other options. */
  client(client: FlightClient, uri: string): Promise<void>;
}

/** A scenario of Arrow's that we cannot take part in yet. */
export interface MissingScenario {
  name: string;
  missing: string;
}
