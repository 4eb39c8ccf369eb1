import { collectTable, decodeBatches, type FlightData } from "arrow-flight-node";
import { splitStream } from "arrow-flight-node/ipc";
import test from "ava";
import { readFixture } from "./fixtures.js";

// In a file of its own: what loads the decoder, loads it for the whole process.
test("a stream of zstd is decoded though nobody has loaded the decoder", async (t) => {
  const compressed = await read("ipc-compressed/utf8.zstd.arrows");
  t.deepEqual(compressed, await read("ipc-compressed/utf8.arrows"));
  t.true(compressed.length > 0);
});

async function read(fixture: string): Promise<unknown[]> {
  const nothing = new Uint8Array(0);
  async function* messages(): AsyncGenerator<FlightData> {
    for (const { header, body } of splitStream(readFixture(fixture))) {
      yield { descriptor: undefined, header, appMetadata: nothing, body, bytes: body };
    }
  }
  return [...(await collectTable(await decodeBatches(messages())))].map((row) => row.toJSON());
}
