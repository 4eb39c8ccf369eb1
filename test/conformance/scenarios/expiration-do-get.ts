import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command } from "./command.js";
import { ExpiringEndpoints, expiringHandlers } from "./expiring-endpoints.js";
import { readNumbers } from "./numbers.js";

/** Endpoints that expire, and one that does not, read in time. */
export const expirationDoGet: Scenario = {
  name: "expiration_time:do_get",
  handlers: () => expiringHandlers(new ExpiringEndpoints()),
  async client(client) {
    const { endpoints } = await client.getFlightInfo(command("expiration_time"));
    const expires = endpoints.map(({ expirationTime }) => expirationTime !== undefined);
    equal(expires, [false, true, true], "which endpoints expire");
    for (const [index, seconds] of [
      [1, 5],
      [2, 6],
    ] as const) {
      const left = Number(endpoints[index]?.expirationTime) - Date.now();
      if (!(left > 0 && left <= seconds * 1000)) throw new Error(`Endpoint ${index} expires in ${left} ms.`);
    }
    equal(await readNumbers(client, endpoints), [[0], [1], [2]], "the data");
  },
};
