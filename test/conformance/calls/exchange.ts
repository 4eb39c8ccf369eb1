import type { FlightDataOut } from "arrow-flight-node";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, wordOf } from "../scenarios/command.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

/** Every batch comes back with its app_metadata, before the next is sent; then both sides end. Then an exchange of no batches. */
export const exchange: Scenario = {
  name: "call: do_exchange",
  handlers: () => ({
    async *doExchange(messages) {
      let named = false;
      const watched = (async function* () {
        for await (const message of messages) {
          named ||= message.descriptor !== undefined && wordOf(message.descriptor) === "echo";
          yield message;
        }
      })();
      let begun = false;
      for await (const { mark, numbers } of readMarked(watched)) {
        if (!begun) yield schemaMessage();
        begun = true;
        yield batchMessage(numbers ?? new Int32Array(0), mark);
      }
      if (!named) throw new Error("The stream has no descriptor.");
      if (!begun) yield schemaMessage();
    },
  }),
  async client(client) {
    for (const count of [5, 0]) {
      let next: () => void = () => {};
      const messages = async function* (): AsyncGenerator<FlightDataOut> {
        yield schemaMessage();
        for (let i = 0; i < count; i++) {
          const answered = new Promise<void>((resolve) => {
            next = resolve;
          });
          yield batchMessage(Int32Array.of(i, -i), `m${i}`);
          await answered;
        }
      };
      let answers = 0;
      for await (const { mark, numbers } of readMarked(client.doExchange(command("echo"), messages()))) {
        equal(mark, `m${answers}`, "the app_metadata");
        equal(numbers, Int32Array.of(answers, -answers), "the numbers");
        answers += 1;
        next();
      }
      equal(answers, count, "the number of answers");
    }
  },
};
