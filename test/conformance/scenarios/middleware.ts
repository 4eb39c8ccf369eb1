import { FlightClient, FlightError } from "arrow-flight-node";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, wordOf } from "./command.js";
import { numbersInfo } from "./numbers.js";

const header = "x-middleware";

/** A header that the server's middleware sends back, also when the call fails. */
export const middleware: Scenario = {
  name: "middleware",
  handlers: () => ({
    getFlightInfo(descriptor) {
      if (wordOf(descriptor) === "success") return numbersInfo("uint32", descriptor, []);
      throw new FlightError("UNKNOWN", "This call is meant to fail.", { hint: 'Ask for "success".' });
    },
  }),
  serverOptions: {
    middleware: [
      (call) => {
        call.setHeader(header, call.headers.get(header) ?? "");
        return undefined;
      },
    ],
  },
  async client(_, uri) {
    const received: (string | undefined)[] = [];
    const client = new FlightClient(uri, {
      middleware: [
        ({ headers }) => {
          headers.set(header, "expected value");
          return {
            received: (answer) => {
              if (answer.has(header)) received.push(answer.get(header));
            },
          };
        },
      ],
    });
    try {
      const failed = await client.getFlightInfo(command("")).catch((error: unknown) => error);
      equal(failed instanceof FlightError && failed.code, "UNKNOWN", "the call that is meant to fail");
      await client.getFlightInfo(command("success"));
      equal(received, ["expected value", "expected value"], "the header that came back");
    } finally {
      await client.close();
    }
  },
};
