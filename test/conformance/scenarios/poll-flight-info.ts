import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, text, wordOf } from "./command.js";
import { numbersInfo } from "./numbers.js";

/** A query that is not done when it is first asked about, and is the second time. */
export const pollFlightInfo: Scenario = {
  name: "poll_flight_info",
  handlers: () => ({
    pollFlightInfo(descriptor) {
      const info = numbersInfo("uint32", descriptor, [{ ticket: Buffer.from("long-running query") }]);
      if (wordOf(descriptor) === "poll") return { info, progress: 1 };
      const expirationTime = new Date(Date.now() + 10_000);
      return { info, descriptor: command("poll"), progress: 0.1, expirationTime };
    },
  }),
  async client(client) {
    const first = await client.pollFlightInfo(command("heavy query"));
    equal(
      first.info?.endpoints.map(({ ticket }) => text(ticket)),
      ["long-running query"],
      "the tickets",
    );
    equal(first.progress, 0.1, "the first progress");
    if (first.descriptor === undefined) throw new Error("The first answer has no descriptor to poll with.");
    const left = Number(first.expirationTime) - Date.now();
    if (!(left > 0 && left <= 10_000)) throw new Error(`The first answer expires at ${first.expirationTime}.`);

    const { info, ...rest } = await client.pollFlightInfo(first.descriptor);
    equal(rest, { progress: 1 }, "the last answer");
    equal(info?.endpoints.length, 1, "the number of endpoints at the end");
  },
};
