import type { FlightDataOut } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

const batches = 256;
const rows = 256 << 10;

/**
 * 256 batches of 1 MiB each way, and one of 40 MiB. A reader that stops holds its producer up: after the first batch it asks
 * the server how many it has produced.
 */
export const large: Scenario = {
  name: "call: large_streams",
  handlers() {
    let produced = 0;
    return {
      *doGet(ticket) {
        yield schemaMessage();
        if (text(ticket) === "one") yield batchMessage(filled(0, 40 * rows));
        else for (produced = 0; produced < batches; produced++) yield batchMessage(filled(produced));
      },
      async *doPut(messages) {
        let sum = 0n;
        for await (const { numbers } of readMarked(messages)) sum += sumOf(numbers);
        yield Buffer.from(String(sum));
      },
      doAction: () => [Buffer.from(String(produced))],
    };
  },
  async client(client) {
    let read = 0;
    let sum = 0n;
    for await (const { numbers } of readMarked(client.doGet(Buffer.from("many")))) {
      if (read === 0) {
        for (let i = 0; i < 200; i++) await all(client.doAction({ type: "produced" }));
        const produced = Number((await all(client.doAction({ type: "produced" }))).map(text));
        if (!(produced < batches)) throw new Error(`The server has produced ${produced} batches for a reader of one.`);
      }
      read += 1;
      sum += sumOf(numbers);
    }
    equal([read, sum], [batches, expected()], "the number of batches, and their sum");
    for await (const { numbers } of readMarked(client.doGet(Buffer.from("one")))) {
      equal(numbers?.length, 40 * rows, "the rows of the batch of 40 MiB");
    }
    const many = function* (): Generator<FlightDataOut> {
      yield schemaMessage();
      for (let i = 0; i < batches; i++) yield batchMessage(filled(i));
    };
    const answers = await all(client.doPut({ type: "path", path: ["large"] }, many()));
    equal(answers.map(text), [String(expected())], "the sum that the server found");
    const one = [schemaMessage(), batchMessage(filled(1, 40 * rows))];
    const single = await all(client.doPut({ type: "path", path: ["large"] }, one));
    equal(single.map(text), [String(40 * rows)], "the sum of one large batch");
  },
};

function filled(value: number, length: number = rows): Int32Array {
  return new Int32Array(length).fill(value);
}

function sumOf(numbers: Int32Array | undefined): bigint {
  let sum = 0;
  for (const value of numbers ?? []) sum += value;
  return BigInt(sum);
}

function expected(): bigint {
  return (BigInt(batches) * BigInt(batches - 1) * BigInt(rows)) / 2n;
}
