import type { FlightDataOut } from "arrow-flight-node";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

const descriptor = { type: "path" as const, path: ["put"] };

/** Each message is acknowledged before the next is sent; the last answer comes after the client's end. Then a stream of no batches. */
export const put: Scenario = {
  name: "call: do_put",
  handlers: () => ({
    async *doPut(messages) {
      let rows = 0;
      for await (const { mark, numbers } of readMarked(messages)) {
        rows += numbers?.length ?? 0;
        yield Buffer.from(`ack ${mark}`);
      }
      yield Buffer.from(`rows ${rows}`);
    },
  }),
  async client(client) {
    const answers: string[] = [];
    const turns = new Turns();
    for await (const answer of client.doPut(descriptor, paced(turns))) {
      answers.push(text(answer));
      turns.give();
    }
    equal(answers, ["ack m0", "ack m1", "ack m2", "ack last", "rows 6"], "the answers");

    const none: string[] = [];
    for await (const answer of client.doPut(descriptor, [schemaMessage()])) none.push(text(answer));
    equal(none, ["rows 0"], "the answers to a stream of no batches");
  },
};

/** Batches of one, two and three rows and a message of app_metadata alone, each after the answer to the one before. */
async function* paced(answers: Turns): AsyncGenerator<FlightDataOut> {
  yield schemaMessage();
  for (let i = 0; i < 3; i++) {
    yield batchMessage(new Int32Array(i + 1), `m${i}`);
    await answers.take();
  }
  yield { appMetadata: Buffer.from("last") };
  await answers.take();
}

/** Turns that one side gives and the other takes, waiting for those that are not there yet. */
class Turns {
  #given = 0;
  readonly #waiting: (() => void)[] = [];

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#given += 1;
    else next();
  }

  async take(): Promise<void> {
    if (this.#given > 0) this.#given -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
