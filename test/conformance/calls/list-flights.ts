import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { numbersInfo } from "../scenarios/numbers.js";

/** As many Flights as the criteria say, each with a path of its own and its number of rows. */
export const listFlights: Scenario = {
  name: "call: list_flights",
  handlers: () => ({
    *listFlights(criteria) {
      for (let i = 0; i < Number(text(criteria)); i++) {
        const descriptor = { type: "path" as const, path: ["flight", String(i)] };
        yield { ...numbersInfo("int32", descriptor, []), totalRecords: i };
      }
    },
  }),
  async client(client) {
    for (const count of [0, 3, 1000]) {
      const infos = await all(client.listFlights(Buffer.from(String(count))));
      const got = infos.map(({ descriptor, totalRecords }) => ({ descriptor, totalRecords }));
      const expected = Array.from({ length: count }, (_, i) => ({
        descriptor: { type: "path" as const, path: ["flight", String(i)] },
        totalRecords: i,
      }));
      equal<unknown>(got, expected, `the Flights for "${count}"`);
    }
  },
};
