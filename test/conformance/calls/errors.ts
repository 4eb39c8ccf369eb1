import { FlightClient, FlightError, type FlightErrorCode, flightErrorCodes } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";
import { batchMessage, readMarked, schemaMessage } from "./number-stream.js";

const message = "größe: 100 % of\nit";

/** Every code that the server lists as an action fails by it, with its message and with headers beside the status. */
export const errors: Scenario = {
  name: "call: errors",
  handlers: () => ({
    listActions: () => flightErrorCodes.map((type) => ({ type, description: "Fails by this code." })),
    doAction({ type }, call) {
      call.setTrailer("x-reason", "because");
      call.setTrailer("x-reason-bin", Buffer.of(0, 255, 7).toString("base64"));
      throw new FlightError(type as FlightErrorCode, message);
    },
  }),
  async client(_, uri) {
    const trailers = new Map<string, string>();
    const received = (answer: ReadonlyMap<string, string>) => {
      for (const [name, value] of answer) trailers.set(name, value);
    };
    const client = new FlightClient(uri, { middleware: [() => ({ received })] });
    try {
      const codes = await all(client.listActions());
      if (codes.length < 10) throw new Error(`The server can fail by ${codes.length} codes alone.`);
      for (const { type } of codes) {
        trailers.clear();
        const code = type as FlightErrorCode;
        const error = await expectFailure(all(client.doAction({ type })), code, `the action ${type}`);
        if (!error.message.includes(message)) throw new Error(`${type} says: ${error.message}`);
        equal(trailers.get("x-reason"), "because", `${type}'s header`);
        const bytes = Buffer.from(trailers.get("x-reason-bin") ?? "", "base64");
        equal(bytes.toString("hex"), "00ff07", `${type}'s header of bytes`);
      }
    } finally {
      await client.close();
    }
  },
};

/** A DoGet that fails after two batches, and a DoPut that is refused while its client still writes. */
export const brokenStreams: Scenario = {
  name: "call: broken_streams",
  handlers: () => ({
    *doGet() {
      yield schemaMessage();
      yield batchMessage(Int32Array.of(0));
      yield batchMessage(Int32Array.of(1));
      throw new FlightError("RESOURCE_EXHAUSTED", "Two are enough.");
    },
    async doPut(messages) {
      for await (const _ of messages) throw new FlightError("PERMISSION_DENIED", "Nothing is taken.");
    },
  }),
  async client(client) {
    const got: number[] = [];
    const read = async () => {
      for await (const { numbers } of readMarked(client.doGet(Buffer.from("broken")))) got.push(...(numbers ?? []));
    };
    const broken = await expectFailure(read(), "RESOURCE_EXHAUSTED", "a stream that breaks");
    if (!broken.message.includes("Two are enough")) throw new Error(`The stream breaks saying: ${broken.message}`);
    equal(got, [0, 1], "what came before");

    const endless = function* () {
      yield schemaMessage();
      for (;;) yield batchMessage(new Int32Array(16 << 10));
    };
    const written = all(client.doPut({ type: "path", path: ["refused"] }, endless()));
    await expectFailure(written, "PERMISSION_DENIED", "a stream that is refused");
  },
};
