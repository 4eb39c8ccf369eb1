import { FlightError } from "arrow-flight-node";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, text } from "./command.js";
import { ExpiringEndpoints, expiringHandlers } from "./expiring-endpoints.js";
import { readNumbers } from "./numbers.js";

/** Endpoints that are asked to stay for longer. */
export const expirationRenewFlightEndpoint: Scenario = {
  name: "expiration_time:renew_flight_endpoint",
  handlers() {
    const endpoints = new ExpiringEndpoints();
    return {
      ...expiringHandlers(endpoints),
      renewFlightEndpoint({ ticket }) {
        const found = endpoints.find(ticket);
        if (found === undefined) {
          throw new FlightError("INVALID_ARGUMENT", "There is no such endpoint.", { hint: "Ask for the FlightInfo." });
        }
        const expirationTime = new Date(Date.now() + 10_000);
        found.endpoint.expirationTime = expirationTime;
        return { ticket: Buffer.from(`${text(ticket)}: renewed (+ 10 seconds)`), expirationTime };
      },
    };
  },
  async client(client) {
    const { endpoints } = await client.getFlightInfo(command("expiration_time"));
    const expiring = endpoints.filter(({ expirationTime }) => expirationTime !== undefined);
    equal(expiring.length, 2, "the number of endpoints that expire");
    for (const endpoint of expiring) {
      const renewed = await client.renewFlightEndpoint(endpoint);
      const longer = Number(renewed.expirationTime) - Number(endpoint.expirationTime);
      if (!(longer > 0)) throw new Error(`The renewed endpoint expires ${longer} ms later.`);
      const index = Number.parseInt(text(endpoint.ticket), 10);
      equal(await readNumbers(client, [renewed]), [[index]], "the data of the renewed endpoint");
    }
  },
};
