import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, text } from "./command.js";
import { numbersInfo } from "./numbers.js";

const location = "arrow-flight-reuse-connection://?";

/** A location that says: on the connection that you have. */
export const reuseConnection: Scenario = {
  name: "location:reuse_connection",
  handlers: () => ({
    getFlightInfo: (descriptor) =>
      numbersInfo("uint32", descriptor, [{ ticket: Buffer.from("reuse"), locations: [location] }]),
  }),
  async client(client) {
    const { endpoints } = await client.getFlightInfo(command("reuse"));
    equal(
      endpoints.map(({ locations }) => locations),
      [[location]],
      "the endpoints' locations",
    );
    equal(
      endpoints.map(({ ticket }) => text(ticket)),
      ["reuse"],
      "the endpoints' tickets",
    );
  },
};
