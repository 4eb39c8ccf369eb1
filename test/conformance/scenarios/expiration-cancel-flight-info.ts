import { FlightError } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command } from "./command.js";
import { ExpiringEndpoints, expiringHandlers } from "./expiring-endpoints.js";

/** A query that is cancelled, after which its data cannot be read. */
export const expirationCancelFlightInfo: Scenario = {
  name: "expiration_time:cancel_flight_info",
  handlers() {
    const endpoints = new ExpiringEndpoints();
    return {
      ...expiringHandlers(endpoints),
      cancelFlightInfo(info) {
        const found = info.endpoints.map(({ ticket }) => endpoints.find(ticket)?.endpoint);
        if (!found.every((endpoint) => endpoint?.cancelled === false)) return "NOT_CANCELLABLE";
        for (const endpoint of found) endpoint!.cancelled = true;
        return "CANCELLED";
      },
    };
  },
  async client(client) {
    const info = await client.getFlightInfo(command("expiration_time"));
    equal(await client.cancelFlightInfo(info), "CANCELLED", "the answer to the first CancelFlightInfo");
    for (const { ticket } of info.endpoints) {
      const refused = await all(client.doGet(ticket)).catch((error: unknown) => error);
      equal(refused instanceof FlightError && refused.code, "INVALID_ARGUMENT", "a DoGet of what is cancelled");
    }
    equal(await client.cancelFlightInfo(info), "NOT_CANCELLABLE", "the answer to the second CancelFlightInfo");
  },
};
