import { FlightClient } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";

const long = "x".repeat(6000);
const bytes = Buffer.of(0, 1, 255, 128);

/** Headers of a call, a long one and one of bytes, reach the handler and come back as headers of its answer. */
export const headers: Scenario = {
  name: "call: headers",
  handlers: () => ({
    doAction(_, call) {
      call.setHeader("x-back", call.headers.get("x-there") ?? "");
      call.setHeader("x-back-bin", call.headers.get("x-there-bin") ?? "");
      return [Buffer.from(call.headers.get("traceparent") ?? "")];
    },
  }),
  async client(_, uri) {
    let answer: ReadonlyMap<string, string> | undefined;
    const received = (headers: ReadonlyMap<string, string>) => {
      answer ??= headers;
    };
    const client = new FlightClient(uri, { middleware: [() => ({ received })] });
    try {
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
      const headers = { "x-there": long, "x-there-bin": bytes.toString("base64"), traceparent };
      equal((await all(client.doAction({ type: "headers" }, { headers }))).map(text), [traceparent], "the trace");
      equal(answer?.get("x-back"), long, "the header");
      equal(Buffer.from(answer?.get("x-back-bin") ?? "", "base64").toString("hex"), "0001ff80", "the header of bytes");
    } finally {
      await client.close();
    }
  },
};
