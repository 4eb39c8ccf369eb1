import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, type Marked, readMarked, schemaMessage } from "./number-stream.js";

/** Batches with app_metadata, as many as the ticket says, also none. */
export const get: Scenario = {
  name: "call: do_get",
  handlers: () => ({
    *doGet(ticket) {
      yield schemaMessage();
      for (let i = 0; i < Number(text(ticket)); i++) yield batchMessage(Int32Array.of(i), `m${i}`);
    },
  }),
  async client(client) {
    for (const count of [0, 3]) {
      const expected: Marked[] = Array.from({ length: count }, (_, i) => ({
        mark: `m${i}`,
        numbers: Int32Array.of(i),
      }));
      const got: Marked[] = [];
      for await (const message of readMarked(client.doGet(Buffer.from(String(count))))) got.push(message);
      equal(got, expected, `the messages for "${count}"`);
    }
  },
};

/** A message of app_metadata alone, after a batch. */
export const metadataAlone: Scenario = {
  name: "call: metadata_alone",
  handlers: () => ({
    *doGet() {
      yield schemaMessage();
      yield batchMessage(Int32Array.of(7));
      yield { appMetadata: Buffer.from("last") };
    },
  }),
  async client(client) {
    const got: Marked[] = [];
    for await (const message of readMarked(client.doGet(Buffer.from("alone")))) got.push(message);
    const expected: Marked[] = [
      { mark: "", numbers: Int32Array.of(7) },
      { mark: "last", numbers: undefined },
    ];
    equal(got, expected, "the messages");
  },
};
