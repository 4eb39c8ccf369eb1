import {
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  List,
  Map_,
  Schema,
  Struct,
  Table,
  TimestampMicrosecond,
  type TypeMap,
  tableFromArrays,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import {
  type BatchChunk,
  type BatchSource,
  type BatchStream,
  collectTable,
  decodeBatches,
  encodeBatches,
  FlightClient,
  FlightError,
  type FlightHandlers,
  FlightLogins,
  FlightServer,
  FlightSessions,
  requireSchema,
  schemaOf,
} from "arrow-flight-node";
import test, { type ExecutionContext } from "ava";
import { signalled, utf8 } from "./fixtures.js";
import { runPyarrow, startPyarrowServer } from "./python.js";

const loads = schemaOf({ hour: new Int32(), load: new Float64() });
type Loads = { hour: Int32; load: Float64 };
const table = tableFromArrays({ hour: Int32Array.of(1, 2), load: Float64Array.of(0.5, 0.25) });
const path = { type: "path" as const, path: ["loads"] };

async function connect(t: ExecutionContext, handlers?: FlightHandlers): Promise<FlightClient> {
  if (handlers === undefined) {
    const pyarrow = await startPyarrowServer();
    const client = new FlightClient(pyarrow.uri);
    t.teardown(() => client.close().then(pyarrow.stop));
    return client;
  }
  const server = new FlightServer(handlers);
  const client = new FlightClient((await server.listen()).uri);
  t.teardown(() => client.close().then(() => server.close({ graceMs: 0 })));
  return client;
}

test("a stream that is read with a schema has its columns, by name and type", async (t) => {
  const client = await connect(t);
  await client.write(path, table);
  const stream: BatchStream<Loads> = await client.read(Buffer.from("loads"), { expect: loads });
  let sum = 0;
  for await (const batch of stream.batches) {
    const hours: Int32Array | undefined = batch.getChild("hour")?.data[0]?.values;
    t.deepEqual(hours && [...hours], [1, 2]);
    for (const { load } of batch) sum += load;
    // @ts-expect-error: there is no such column
    t.is(batch.getChild("lode"), null);
    // @ts-expect-error: hours are numbers
    const wrong: string[] = [...batch].map(({ hour }) => hour);
    t.is(wrong.length, 2);
  }
  t.is(sum, 0.75);

  const anything = await client.read(Buffer.from("loads"));
  for await (const batch of anything.batches) for (const { load } of batch) sum += load;
  t.is(sum, 1.5);
  const whole: Table<Loads> = await collectTable(await client.read(Buffer.from("loads"), { expect: loads }));
  t.is(whole.numRows, 2);
});

test("a stream of another schema than is expected is refused, and its call ends", async (t) => {
  const ended = signalled();
  const client = await connect(t, {
    async *doGet(_, { signal }) {
      signal.addEventListener("abort", () => ended.resolve());
      yield* encodeBatches(table);
      await ended.promise;
    },
  });
  const names = schemaOf({ hour: new Int32(), name: new Utf8() });
  await t.throwsAsync(client.read(Buffer.from(""), { expect: names }), {
    code: "INVALID_ARGUMENT",
    message: /its column 1 is "load" and not "name"\. Have its sender/,
  });
  await ended.promise;
});

test("a handler reads and answers streams of schemas that it names, and hears of others", async (t) => {
  const doubled = schemaOf({ load: new Float64() });
  const client = await connect(t, {
    async *doExchange(messages) {
      const { batches } = await decodeBatches(messages, { expect: loads });
      const answers = async function* () {
        for await (const batch of batches) {
          const values: Float64Array = batch.getChild("load")!.toArray();
          yield new Table(doubled, { load: tableFromArrays({ load: values.map((x) => 2 * x) }).getChild("load")! })
            .batches[0]!;
        }
      };
      yield* encodeBatches({ schema: doubled, batches: answers() });
    },
  });
  const answer = await collectTable(await client.exchange(path, table, { expect: doubled }));
  t.deepEqual([...answer.getChild("load")!], [1, 0.5]);
  const others = tableFromArrays({ hour: Float32Array.of(1), load: Float64Array.of(1) });
  await t.throwsAsync(client.exchange(path, others, { expect: doubled }), {
    code: "INVALID_ARGUMENT",
    message: /its column "hour" is Float32 and not Int32/,
  });
});

test("batches are sent under the schema that they have", async (t) => {
  const source: BatchSource<Loads> = { schema: table.schema, batches: table.batches };
  encodeBatches(source);
  encodeBatches(table);
  // @ts-expect-error: the batches have other columns than the schema
  encodeBatches({ schema: schemaOf({ name: new Utf8() }), batches: source.batches });
  const client = await connect(t);
  await client.write(path, source);
  t.is((await collectTable(await client.read(Buffer.from("loads")))).numRows, 2);
});

test("a handler of batches sees what they are called and their app_metadata, also pyarrow's", async (t) => {
  const kept = new Map<string, BatchChunk[]>();
  const handlers: FlightHandlers = {
    async *doPut(messages) {
      const { descriptor, chunks } = await decodeBatches(messages);
      const all: BatchChunk[] = [];
      for await (const chunk of chunks) {
        all.push(chunk);
        if (chunk.appMetadata.byteLength > 0) yield Buffer.from(`seen ${utf8(chunk.appMetadata)}`);
      }
      kept.set(descriptor?.type === "path" ? descriptor.path.join("/") : "", all);
    },
    doGet: (ticket) => {
      const batches = kept.get(utf8(ticket))!;
      return encodeBatches({ schema: batches.find(({ batch }) => batch)!.batch!.schema, batches });
    },
  };
  const server = new FlightServer(handlers);
  const { uri } = await server.listen();
  const client = new FlightClient(uri);
  t.teardown(() => client.close().then(() => server.close({ graceMs: 0 })));
  t.deepEqual(await runPyarrow(uri, "round_trip"), {
    results: Array(4).fill("seen note"),
    notes: Array(4).fill("note"),
    equal: true,
  });
  const noted = {
    schema: table.schema,
    batches: [{ appMetadata: Buffer.from("alone") }, { batch: table.batches[0]!, appMetadata: Buffer.from("with") }],
  };
  t.deepEqual((await client.write(path, noted)).map(utf8), ["seen alone", "seen with"]);
  const { descriptor, chunks } = await client.read(Buffer.from("loads"));
  t.is(descriptor, undefined);
  const seen: [number | undefined, string][] = [];
  for await (const { batch, appMetadata } of chunks) seen.push([batch?.numRows, utf8(appMetadata)]);
  t.deepEqual(seen, [
    [undefined, "alone"],
    [2, "with"],
  ]);
  t.is((await collectTable(await client.read(Buffer.from("loads")))).numRows, 2);

  // A batch that goes out in pieces has its app_metadata with the last.
  const long = tableFromArrays({ x: Float64Array.from({ length: 1000 }, (_, i) => i) });
  const source = { schema: long.schema, batches: [{ batch: long.batches[0]!, appMetadata: Buffer.from("end") }] };
  const notes: string[] = [];
  for await (const { appMetadata } of encodeBatches(source, { maxMessageBytes: 2000 }))
    notes.push(utf8(appMetadata ?? Buffer.of()));
  t.true(notes.length > 4);
  t.is(notes.pop(), "end");
  t.true(notes.every((note) => note === ""));
});

test("batches that were made apart go out as one stream, dictionaries, too; those of another schema do not", async (t) => {
  const client = await connect(t);
  const rows = (...words: string[]) =>
    new Table({ words: vectorFromArray(words), deep: vectorFromArray(words.map((word) => ({ word }))) });
  const parts = [rows("a", "b"), rows("b", "c"), rows("d")];
  const ids = new Set(parts.map(({ schema }) => String([...schema.dictionaries.keys()])));
  t.is(ids.size, 3, "apache-arrow numbers their dictionaries apart");
  const source = { schema: parts[0]!.schema, batches: parts.flatMap(({ batches }) => batches) };
  await client.write(path, source);
  const back = await collectTable(await client.read(Buffer.from("loads")));
  const text = [...back].map(({ words, deep }) => `${words} ${deep.word}`);
  t.deepEqual(text, ["a a", "b b", "b b", "c c", "d d"]);

  const others = { schema: parts[0]!.schema, batches: tableFromArrays({ words: Int32Array.of(1) }).batches };
  await t.throwsAsync(client.write(path, others as BatchSource), {
    code: "INVALID_ARGUMENT",
    message: /A batch has another schema than its stream: its column "words" is Int32 and not Dictionary/,
  });
});

test("what authenticate returns is what handlers see", async (t) => {
  const server = new FlightServer({
    authenticate: ({ headers }) => ({ user: headers.get("x-user") ?? "nobody" }),
    *doAction(_, { identity }) {
      yield Buffer.from(identity.user);
      // @ts-expect-error: authenticate returns no role
      t.is(identity.role, undefined);
    },
  });
  const logins = new FlightLogins({ check: async (name) => (name === "ann" ? { id: 7 } : undefined) });
  const others: FlightHandlers<{ id: number }> = {
    ...logins.handlers,
    ...new FlightSessions().handlers,
    *doAction(_, { identity }) {
      yield Uint8Array.of(identity.id);
    },
  };
  t.truthy(new FlightServer(others));
  const client = new FlightClient((await server.listen()).uri, { headers: { "x-user": "ann" } });
  t.teardown(() => client.close().then(() => server.close({ graceMs: 0 })));
  for await (const name of client.doAction({ type: "who" })) t.is(utf8(name), "ann");
});

const one = <T extends TypeMap[string]>(type: T, nullable = true) => new Schema([Field.new("c", type, nullable)]);
const list = (name: string) => new List(Field.new(name, new Int32(), true));
const struct = (name: string) => new Struct<TypeMap>([Field.new(name, new Int32(), true)]);
const map = (key: string) =>
  new Map_<Utf8, Int32>(
    Field.new(
      "entries",
      new Struct<{ key: Utf8; value: Int32 }>([
        Field.new(key, new Utf8(), false),
        Field.new("value", new Int32(), true),
      ]) as never,
    ),
  );

test("schemas that read alike are the same, and the first difference is named", (t) => {
  const alike: [Schema, Schema][] = [
    [one(list("item")), one(list("element"))],
    [one(map("key")), one(map("keys"))],
    [one(new Dictionary(new Utf8(), new Int32(), 1)), one(new Dictionary(new Utf8(), new Int32(), 2))],
    [one(new Int32(), false), one(new Int32(), true)],
    [new Schema([Field.new("c", new Int32())], new Map([["a", "b"]])), one(new Int32())],
  ];
  for (const [given, expected] of alike) t.is(requireSchema(given, expected), given);

  const different: [Schema, Schema, RegExp][] = [
    [one(new Int32()), one(new Int64()), /"c" is Int32 and not Int64/],
    [one(new Float32()), one(new Float64()), /Float32 and not Float64/],
    [one(new Int32(), true), one(new Int32(), false), /"c" may hold nulls/],
    [one(new Utf8()), one(new Dictionary(new Utf8(), new Int32())), /Utf8 and not Dictionary/],
    [one(new Dictionary(new Utf8(), new Int32())), one(new Dictionary(new Utf8(), new Int16())), /Dictionary<Int32/],
    [one(struct("a")), one(struct("b")), /a:Int32.* and not .*b:Int32/],
    [one(list("item")), one(new List(Field.new("item", new Int64(), true))), /List<Int32> and not List<Int64>/],
    [
      one(new FixedSizeList(2, Field.new("item", new Int32()))),
      one(new FixedSizeList(3, Field.new("item", new Int32()))),
      /\[2\].*\[3\]/,
    ],
    [one(new Decimal(2, 10, 128)), one(new Decimal(2, 10, 256)), /Decimal/],
    [one(new TimestampMicrosecond("UTC")), one(new TimestampMicrosecond()), /UTC/],
    [new Schema([]), one(new Int32()), /no column "c"/],
    [loads.select(["hour"]), loads.select(["load"]), /column 0 is "hour" and not "load"/],
    [loads, loads.select(["hour"]), /the column "load", too/],
  ];
  for (const [given, expected, message] of different) {
    t.throws(() => requireSchema(given, expected), { instanceOf: FlightError, message });
  }
});

test("a client and a server are closed at the end of their block", async (t) => {
  let closed: FlightClient | undefined;
  {
    await using server = new FlightServer({ listActions: () => [] });
    await using client = new FlightClient((await server.listen()).uri);
    for await (const _ of client.listActions()) t.fail();
    closed = client;
  }
  await t.throwsAsync(async () => closed?.read(new Uint8Array(0)), { code: "FAILED_PRECONDITION" });
});
