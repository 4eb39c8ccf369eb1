import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, text, wordOf } from "./command.js";
import { numbersInfo } from "./numbers.js";

/** app_metadata on a FlightInfo and on its endpoint. */
export const appMetadata: Scenario = {
  name: "app_metadata_flight_info_endpoint",
  handlers: () => ({
    getFlightInfo(descriptor) {
      const appMetadata = Buffer.from(wordOf(descriptor));
      const endpoints = [{ ticket: new Uint8Array(0), appMetadata }];
      return { ...numbersInfo("uint32", descriptor, endpoints), appMetadata };
    },
  }),
  async client(client) {
    const info = await client.getFlightInfo(command("foobar"));
    equal(text(info.appMetadata), "foobar", "the FlightInfo's app_metadata");
    equal(
      info.endpoints.map(({ appMetadata }) => text(appMetadata)),
      ["foobar"],
      "the endpoints' app_metadata",
    );
  },
};
