import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { ExpiringEndpoints, expiringHandlers } from "./expiring-endpoints.js";

/** The actions that a server of expiring endpoints offers. */
export const expirationListActions: Scenario = {
  name: "expiration_time:list_actions",
  handlers: () => expiringHandlers(new ExpiringEndpoints()),
  async client(client) {
    const actions = await all(client.listActions());
    equal(actions.map(({ type }) => type).sort(), ["CancelFlightInfo", "RenewFlightEndpoint"], "the actions");
  },
};
