import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, type Marked, readMarked, schemaMessage } from "./number-stream.js";

/** Batches with app_metadata, as many as the ticket says, and at the end a message of app_metadata alone. */
export const get: Scenario = {
  name: "call: do_get",
  handlers: () => ({
    *doGet(ticket) {
      yield schemaMessage();
      for (let i = 0; i < Number(text(ticket)); i++) yield batchMessage(Int32Array.of(i), `m${i}`);
      yield { appMetadata: Buffer.from("last") };
    },
  }),
  async client(client) {
    for (const count of [0, 3]) {
      const expected: Marked[] = Array.from({ length: count }, (_, i) => ({
        mark: `m${i}`,
        numbers: Int32Array.of(i),
      }));
      expected.push({ mark: "last", numbers: undefined });
      const got: Marked[] = [];
      // A message without a batch reads as one of no rows, too: some implementations cannot send it without.
      for await (const { mark, numbers } of readMarked(client.doGet(Buffer.from(String(count))))) {
        got.push({ mark, numbers: numbers?.length === 0 ? undefined : numbers });
      }
      equal(got, expected, `the messages for "${count}"`);
    }
  },
};
