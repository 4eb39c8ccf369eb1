import { encodeBasicAuth, FlightError, FlightLogins } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "./command.js";

const username = "arrow";

/** A handshake with the BasicAuth message, whose answer is the token of the calls after it. */
export const authBasicProto: Scenario = {
  name: "auth:basic_proto",
  handlers: () => ({
    ...new FlightLogins({
      check: (name, password) => (name === username && password === "flight" ? name : undefined),
    }).handlers,
    doAction: (_action, { identity }) => [Buffer.from(String(identity))],
  }),
  async client(client) {
    const action = { type: "" };
    const refused = await all(client.doAction(action)).catch((error: unknown) => error);
    equal(refused instanceof FlightError && refused.code, "UNAUTHENTICATED", "a call without a token");

    await client.authenticate([encodeBasicAuth({ username, password: "flight" })]);
    const results = await all(client.doAction(action));
    equal(results.map(text), [username], "the results of a call with the token");
  },
};
