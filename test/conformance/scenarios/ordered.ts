import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { command, text, wordOf } from "./command.js";
import { numbers, numbersInfo, readNumbers } from "./numbers.js";

/** Three endpoints whose order is that of the data. */
export const ordered: Scenario = {
  name: "ordered",
  handlers: () => ({
    getFlightInfo(descriptor) {
      const endpoints = ["1", "2", "3"].map((ticket) => ({ ticket: Buffer.from(ticket) }));
      return { ...numbersInfo("int32", descriptor, endpoints), ordered: wordOf(descriptor) === "ordered" };
    },
    doGet(ticket) {
      const factor = 10 ** (Number(text(ticket)) - 1);
      return numbers(Int32Array.of(factor, 2 * factor, 3 * factor));
    },
  }),
  async client(client) {
    const info = await client.getFlightInfo(command("ordered"));
    equal(info.ordered, true, "ordered");
    const expected = [[1, 2, 3], [10, 20, 30], [100, 200, 300]]; // biome-ignore format: rows
    equal(await readNumbers(client, info.endpoints), expected, "the data in order");
    equal((await client.getFlightInfo(command("any"))).ordered ?? false, false, "ordered, where it is not");
  },
};
