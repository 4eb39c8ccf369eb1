import { FlightLogins } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";

/** A handshake with name and password in a header, answered by the bearer token of the calls after it. */
export const basicToBearer: Scenario = {
  name: "call: basic_to_bearer",
  handlers() {
    const { handlers } = new FlightLogins({
      check: (name, password) => (name === "arrow" && password === "flight" ? name : undefined),
    });
    return { ...handlers, doAction: (_, { identity }) => [Buffer.from(String(identity))] };
  },
  async client(client) {
    const who = async () => (await all(client.doAction({ type: "who" }))).map(text);
    await expectFailure(who(), "UNAUTHENTICATED", "a call without a token");
    await expectFailure(client.authenticateBasic("arrow", "wrong"), "UNAUTHENTICATED", "a wrong password");
    await client.authenticateBasic("arrow", "flight");
    equal(await who(), ["arrow"], "who the caller is");
  },
};
