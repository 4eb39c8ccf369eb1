import { all } from "../all.js";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

/** A client leaves an endless DoGet, and the server's producer learns of it. Then a deadline ends an action that waits for ever. */
export const cancel: Scenario = {
  name: "call: cancel_and_deadline",
  handlers() {
    let left: () => void;
    const seen = new Promise<void>((resolve) => {
      left = resolve;
    });
    return {
      async *doGet(_, { signal }) {
        signal.addEventListener("abort", () => left());
        yield schemaMessage();
        for (let i = 0; !signal.aborted; i++) yield batchMessage(Int32Array.of(i));
      },
      async *doAction({ type }, { signal }) {
        if (type === "left") await seen;
        else await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
        yield Buffer.from("seen");
      },
    };
  },
  async client(client) {
    const got: number[] = [];
    for await (const { numbers } of readMarked(client.doGet(Buffer.from("endless")))) {
      got.push(...(numbers ?? []));
      if (got.length === 3) break;
    }
    equal(got, [0, 1, 2], "what was read");
    equal((await all(client.doAction({ type: "left" }))).map(text), ["seen"], "what the producer saw");
    const waiting = all(client.doAction({ type: "wait" }, { timeoutMs: 200 }));
    await expectFailure(waiting, "DEADLINE_EXCEEDED", "an action with a deadline");
  },
};
