import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

/** A server that is shut down in the middle of a DoGet: what has begun is read to its end. */
export const gracefulEnd: Scenario = {
  name: "call: graceful_end",
  handlers: (closeServer) => ({
    async *doGet(ticket) {
      yield schemaMessage();
      for (let i = 0; i < Number(text(ticket)); i++) {
        yield batchMessage(new Int32Array(16 << 10).fill(i));
        if (i === 1) closeServer();
      }
    },
  }),
  async client(client) {
    const got: (number | undefined)[] = [];
    for await (const { numbers } of readMarked(client.doGet(Buffer.from("100")))) got.push(numbers?.[0]);
    equal(
      got,
      Array.from({ length: 100 }, (_, i) => i),
      "what the server gave",
    );
  },
};
