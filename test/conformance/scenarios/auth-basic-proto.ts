import { FlightError } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "./command.js";

const username = "arrow";
const header = "auth-token-bin";

/** A handshake with the BasicAuth message, whose answer is the token of the calls after it. */
export const authBasicProto: Scenario = {
  name: "auth:basic_proto",
  handlers: () => ({
    async *handshake(payloads) {
      for await (const payload of payloads) {
        if (!basicAuth(username, "flight").equals(payload)) throw unauthenticated();
        yield Buffer.from(username);
      }
    },
    authenticate(headers) {
      const token = text(Buffer.from(headers.get(header) ?? "", "base64"));
      if (token !== username) throw unauthenticated();
      return token;
    },
    doAction: (_action, { identity }) => [Buffer.from(String(identity))],
  }),
  async client(client) {
    const action = { type: "" };
    const refused = await all(client.doAction(action)).catch((error: unknown) => error);
    equal(refused instanceof FlightError && refused.code, "UNAUTHENTICATED", "a call without a token");

    const [token] = await all(client.handshake([basicAuth(username, "flight")]));
    const headers = { [header]: Buffer.from(token ?? []).toString("base64") };
    const results = await all(client.doAction(action, { headers }));
    equal(results.map(text), [username], "the results of a call with the token");
  },
};

/** The protobuf message BasicAuth: field 2 is the name, field 3 the password, both shorter than 128 bytes. */
function basicAuth(name: string, password: string): Buffer {
  return Buffer.concat([field(2, name), field(3, password)]);
}

function field(number: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.of(number * 8 + 2, bytes.byteLength), bytes]);
}

function unauthenticated(): FlightError {
  return new FlightError("UNAUTHENTICATED", "The name or the password is wrong.", { hint: "Do the handshake first." });
}
