import { Field, Float64, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import { collectTable, decodeBatches, FlightError } from "arrow-flight-node";
import {
  BatchDecoder,
  batchesOf,
  decapsulate,
  decapsulateSchema,
  decodeSchema,
  encapsulate,
  encapsulateSchema,
  encodeSchema,
  joinStream,
  messagesOf,
  readMessage,
  readStream,
  splitStream,
} from "arrow-flight-node/ipc";
import test from "ava";
import fc from "fast-check";
import { collect, readFixture, streamNames } from "./fixtures.js";

const open = (name: string) => [...splitStream(readFixture(`ipc/${name}.arrows`))];

/** Kinds whose values apache-arrow gives in the form in which JSON has them. */
const readable = new Set(
  "bool dictionary dictionary_delta dictionary_replaced fixed_size_list float32 float64 int16 int32 int8 large_utf8 list no_batches no_rows null struct uint16 uint32 uint8 utf8 utf8_view dense_union sparse_union".split(
    " ",
  ),
);

for (const name of streamNames()) {
  test(`${name}: what pyarrow wrote is read, and written again the same`, (t) => {
    const [schema, ...messages] = open(name);
    const batches = [...batchesOf(schema!.header, messages)];
    const rows = batches.flatMap((batch) => [...batch].map((row) => JSON.parse(jsonOf(row))));
    const written = JSON.parse(Buffer.from(readFixture(`ipc/${name}.json`)).toString());
    t.is(rows.length, written.length);
    if (readable.has(name)) t.deepEqual(rows, written);

    const again = Buffer.concat([
      ...joinStream([{ header: encodeSchema(decodeSchema(schema!.header)), body: [] }, ...messagesOf(batches)]),
    ]);
    const [schemaAgain, ...messagesAgain] = splitStream(again);
    const rowsAgain = [...batchesOf(schemaAgain!.header, messagesAgain)].flatMap((batch) => [...batch].map(jsonOf));
    t.deepEqual(
      rowsAgain,
      batches.flatMap((batch) => [...batch].map(jsonOf)),
    );
  });
}

test("a message's header tells its kind, rows and buffers", (t) => {
  const [schema, dictionary, first, delta] = open("dictionary_delta").map(({ header, body }) =>
    readMessage(header, body),
  );
  t.is(schema?.kind, "schema");
  t.like(dictionary, { kind: "dictionaryBatch", id: 0n, isDelta: false, rows: 2 });
  t.like(first, { kind: "recordBatch", rows: 4, nodes: [{ length: 4, nullCount: 1 }], compression: undefined });
  t.like(delta, { kind: "dictionaryBatch", isDelta: true, rows: 1 });
  t.is(open("compressed").map(({ header }) => readMessage(header))[1]?.kind, "recordBatch");
});

test("columns are views of the message's body, in shared memory too", (t) => {
  const [schema, message] = open("float64");
  const shared = new Uint8Array(new SharedArrayBuffer(message!.body.byteLength + 64)).subarray(64);
  shared.set(message!.body);
  const [batch] = batchesOf(schema!.header, [{ header: message!.header, body: shared }]);
  const { values } = batch!.data.children[0]!;
  t.is(values.buffer, shared.buffer);
  t.is(values.length, 5);
  t.is(batch!.getChildAt(0)?.get(1), 2);

  const [out] = messagesOf([batch!]);
  const pieces = out!.body as readonly Uint8Array[];
  t.true(pieces.some((piece) => piece.buffer === shared.buffer));
});

test("a body that is not aligned is copied, not misread", (t) => {
  const [schema, message] = open("float64");
  const crooked = new Uint8Array(message!.body.byteLength + 3).subarray(3);
  crooked.set(message!.body);
  const [batch] = batchesOf(schema!.header, [{ header: message!.header, body: crooked }]);
  t.not(batch!.data.children[0]!.values.buffer, crooked.buffer);
  t.is(batch!.getChildAt(0)?.get(4), 5);
});

test("a dictionary that did not change is sent once", (t) => {
  const [schema, ...messages] = open("dictionary");
  const [batch] = batchesOf(schema!.header, messages);
  const kinds = [...messagesOf([batch!, batch!])].map(({ header }) => readMessage(header).kind);
  t.deepEqual(kinds, ["dictionaryBatch", "recordBatch", "recordBatch"]);
});

test("with alignment 64, every buffer of every body begins at a multiple of 64, and the rows are the same", (t) => {
  for (const name of streamNames()) {
    const [schema, ...messages] = open(name);
    const batches = [...batchesOf(schema!.header, messages)];
    const written = [...messagesOf(batches, { alignment: 64 })].map(({ header, body }) => ({
      header,
      body: Buffer.concat(body as Uint8Array[]),
    }));
    for (const { header, body } of written) {
      const message = readMessage(header, body);
      t.is(message.bodyLength % 64, 0);
      if (message.kind === "schema") t.fail();
      else if ("buffers" in message) for (const { offset } of message.buffers) t.is(offset % 64, 0);
    }
    const back = [...batchesOf(encodeSchema(decodeSchema(schema!.header)), written)];
    t.deepEqual(
      back.flatMap((batch) => [...batch].map(String)),
      batches.flatMap((batch) => [...batch].map(String)),
      name,
    );
  }
});

test("a buffer of 2 GiB says how long it is", (t) => {
  // Nobody touches the memory, so there is none behind it.
  const data = makeData({ type: new Float64(), data: new Float64Array(2 ** 28) });
  const schema = new Schema([new Field("x", data.type, false)]);
  const table = makeData({ type: new Struct(schema.fields), length: data.length, children: [data] });
  const [message] = [...messagesOf([new RecordBatch(schema, table)])];
  t.like(readMessage(message!.header), {
    buffers: [
      { offset: 0, length: 0 },
      { offset: 0, length: 2 ** 31 },
    ],
  });
});

test("contents that are not checked may be wrong; where buffers lie is checked all the same", (t) => {
  const [schema, message] = open("utf8");
  const body = new Uint8Array(message!.body).fill(0xff, message!.body.length - 8);
  const { header } = message!;
  const wrong = { header, body };
  t.throws(() => [...batchesOf(schema!.header, [wrong])], { instanceOf: FlightError, message: /UTF-8/ });
  t.is([...batchesOf(schema!.header, [wrong], { checkContents: false })].length, 1);
  const short = { header, body: body.subarray(0, 8) };
  t.throws(() => [...batchesOf(schema!.header, [short], { checkContents: false })], { instanceOf: FlightError });
});

test("a schema goes into its capsule and out again", (t) => {
  const [schema] = open("two_batches");
  t.deepEqual(decapsulateSchema(encapsulateSchema(schema!.header)), new Uint8Array(schema!.header));
  t.is(decodeSchema(schema!.header).metadata.get("origin"), "pyarrow");
  const [, batch] = open("two_batches");
  t.like(
    thrown(() => decapsulateSchema(encapsulate(batch!.header))),
    { code: "INVALID_ARGUMENT" },
  );
});

test("a batch that does not fit the schema is refused", (t) => {
  const [float64] = open("float64");
  for (const other of ["int32", "utf8", "struct", "two_batches", "dictionary", "float64"]) {
    const decoder = new BatchDecoder(float64!.header);
    const error = thrown(() =>
      open(other)
        .slice(1)
        .map((message) => decoder.decode(message)),
    );
    t.is(error?.code, other === "float64" ? undefined : "INVALID_ARGUMENT", other);
  }
  const [schema, , batch] = open("dictionary");
  t.regex(thrown(() => new BatchDecoder(schema!.header).decode(batch!))!.message, /comes before the dictionary/);
});

test("a stream that ends between its dictionaries, or has a batch before them, is refused", async (t) => {
  const messages = [...splitStream(readFixture("ipc-types/dictionary_of_dictionaries.arrows"))];
  const kinds = messages.map(({ header }) => readMessage(header).kind);
  t.deepEqual(kinds.slice(0, 4), ["schema", "dictionaryBatch", "dictionaryBatch", "recordBatch"]);
  const refused = [
    [0, 1],
    [0, 3],
    [0, 1, 3],
  ].map((chosen) => chosen.map((index) => messages[index]!));
  for (const [schema, ...others] of refused) {
    t.like(
      thrown(() => [...batchesOf(schema!.header, others)]),
      { code: "INVALID_ARGUMENT" },
    );
    const nothing = new Uint8Array(0);
    const stream = await decodeBatches(
      (async function* () {
        for (const message of [schema!, ...others]) {
          yield { ...message, descriptor: undefined, appMetadata: nothing, bytes: nothing };
        }
      })(),
    );
    const error = await t.throwsAsync(collectTable(stream));
    t.like(error, { code: "INVALID_ARGUMENT" });
  }
  t.deepEqual([...batchesOf(messages[0]!.header, [])], []);
});

test("any split of a stream into chunks gives the same messages", async (t) => {
  const streams = ["dictionary_delta", "two_batches", "no_batches"].map((name) => readFixture(`ipc/${name}.arrows`));
  const property = fc.asyncProperty(fc.constantFrom(...streams), fc.array(fc.nat()), async (stream, numbers) => {
    const cuts = numbers.map((number) => number % (stream.byteLength + 1)).sort((a, b) => a - b);
    const chunks = [...cuts, stream.byteLength].map((cut, i) => stream.subarray(cuts[i - 1] ?? 0, cut));
    const messages = await collect(readStream(chunks));
    t.deepEqual(
      messages.map(({ header, body }) => [Buffer.from(header), Buffer.from(body)]),
      [...splitStream(stream)].map(({ header, body }) => [Buffer.from(header), Buffer.from(body)]),
    );
    t.true(messages.every(({ body }) => body.byteOffset === 0));
  });
  await fc.assert(property, { numRuns: 200 });
});

test("a stream in chunks that breaks off is refused, unless between two messages", async (t) => {
  const stream = readFixture("ipc/two_batches.arrows");
  const ends = [0];
  for (let next = decapsulate(stream); next !== undefined; next = decapsulate(stream, next.end)) ends.push(next.end);
  for (let length = 0; length < stream.byteLength; length++) {
    const read = () => collect(readStream([stream.subarray(0, length)]));
    if (ends.includes(length)) t.is((await read()).length, ends.indexOf(length));
    else t.like(await t.throwsAsync(read()), { code: "INVALID_ARGUMENT" }, `${length}`);
  }
  const error = await t.throwsAsync(collect(readStream([stream], { maxMessageBytes: 256 })));
  t.like(error, { code: "RESOURCE_EXHAUSTED" });
  const lie = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 15);
  t.like(await t.throwsAsync(collect(readStream([lie]))), { code: "INVALID_ARGUMENT" });
});

test("a stream that breaks off anywhere is a FlightError, or ends between two messages", (t) => {
  for (const name of ["dictionary_delta", "two_batches", "struct"]) {
    const bytes = readFixture(`ipc/${name}.arrows`);
    const whole = [...splitStream(bytes)].length;
    for (let length = 0; length < bytes.byteLength; length++) {
      try {
        t.true([...splitStream(bytes.subarray(0, length))].length <= whole);
      } catch (reason) {
        t.true(reason instanceof FlightError, `${name} cut at ${length}: ${reason}`);
      }
    }
  }
});

test("bytes that were tampered with decode to something or are a FlightError", (t) => {
  const originals = streamNames().map((name) => readFixture(`ipc/${name}.arrows`));
  const change = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) });
  fc.assert(
    fc.property(
      fc.constantFrom(...originals),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (original, changes) => {
        const bytes = Uint8Array.from(original);
        for (const { at, to } of changes) bytes[at % bytes.byteLength] = to;
        try {
          const [schema, ...messages] = splitStream(bytes);
          if (schema !== undefined) Array.from(batchesOf(schema.header, messages));
        } catch (reason) {
          if (!(reason instanceof FlightError)) throw reason;
        }
      },
    ),
    { numRuns: 3000 },
  );
  t.pass();
});

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner) => (typeof inner === "bigint" ? String(inner) : inner));
}

function thrown(action: () => unknown): FlightError | undefined {
  try {
    action();
    return undefined;
  } catch (reason) {
    if (reason instanceof FlightError) return reason;
    throw reason;
  }
}
