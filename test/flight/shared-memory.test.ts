import { Float64, makeData, RecordBatch, Struct } from "apache-arrow";
import { allocateShared, FlightClient, type FlightData, FlightServer, forPath, schemaOf } from "arrow-flight-node";
import test from "ava";

test("messages that are kept lie in shared memory, several in one piece, each aligned, none over another", async (t) => {
  const kept: FlightData[] = [];
  await using server = new FlightServer({
    async doPut(messages) {
      messages.allocate = allocateShared();
      for await (const message of messages) kept.push(message);
    },
    doGet: () => kept.map(({ header, body }) => ({ header, body })),
  });
  await using client = new FlightClient((await server.listen()).uri);
  const schema = schemaOf({ x: new Float64() });
  // Short ones, ones that share pieces of memory, and ones of their own.
  const lengths = [100, 50_001, 100_000, 40_000, 200_003, 700_001, 1, 130_000, 600_000];
  const values = (i: number) => Float64Array.from({ length: lengths[i]! }, (_, row) => row * (i + 1));
  const batches = lengths.map((length, i) => {
    const column = makeData({ type: new Float64(), length, nullCount: 0, data: values(i) });
    return new RecordBatch(
      schema,
      makeData({ type: new Struct(schema.fields), length, nullCount: 0, children: [column] }),
    );
  });
  await client.write(forPath("x"), { schema, batches });

  const bodies = kept.map(({ body }) => body).filter((body) => body.byteLength > 0);
  t.deepEqual(
    bodies.map(({ buffer }) => buffer instanceof SharedArrayBuffer),
    lengths.map((length) => 8 * length >= 256 << 10),
  );
  t.true(new Set(bodies.map(({ buffer }) => buffer)).size < bodies.length);
  t.true(bodies.every(({ byteOffset }) => byteOffset % 8 === 0));
  let i = 0;
  for await (const batch of (await client.read(Buffer.from("x"), { expect: schema })).batches) {
    t.deepEqual(batch.getChild("x")!.toArray(), values(i++));
  }
  t.is(i, lengths.length);
});
