import { FlightError } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";

/** Actions of no result, one, and many; a long body; many at once; and one that the server does not have. */
export const actions: Scenario = {
  name: "call: do_action",
  handlers: () => ({
    listActions: () => [
      { type: "echo", description: "Gives its body back." },
      { type: "split", description: "Gives each byte of its body." },
    ],
    doAction({ type, body }) {
      if (type === "echo") return [body];
      if (type === "split") return [...body].map((byte) => Uint8Array.of(byte));
      throw new FlightError("UNIMPLEMENTED", `There is no action ${type}.`, { hint: "Ask for the list." });
    },
  }),
  async client(client) {
    equal(
      (await all(client.listActions())).map(({ type, description }) => `${type}: ${description}`),
      ["echo: Gives its body back.", "split: Gives each byte of its body."],
      "the actions",
    );
    const results = async (type: string, body: Buffer) =>
      (await all(client.doAction({ type, body }))).map((result) => Buffer.from(result).toString("hex"));
    for (const body of [Buffer.alloc(0), Buffer.from("größe"), Buffer.alloc(1 << 20, 7)]) {
      equal(await results("echo", body), [body.toString("hex")], `an echo of ${body.byteLength} bytes`);
    }
    equal(await results("split", Buffer.of(1, 2, 255)), ["01", "02", "ff"], "each byte");
    equal(await results("split", Buffer.alloc(0)), [], "each byte of none");
    await expectFailure(results("missing", Buffer.alloc(0)), "UNIMPLEMENTED", "an action that is not there");
    const many = Array.from({ length: 200 }, (_, i) => Buffer.from(String(i)));
    const echoes = await Promise.all(many.map((body) => results("echo", body)));
    equal(
      echoes.flat(),
      many.map((body) => body.toString("hex")),
      "200 echoes at once",
    );
  },
};
