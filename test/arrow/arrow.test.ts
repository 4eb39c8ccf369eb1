import { type RecordBatch, Table, tableFromIPC, tableToIPC } from "apache-arrow";
import test from "ava";
import {
  batchEncoder,
  batchFromColumns,
  checkSchema,
  decodeBatches,
  decodeSchema,
  encodeSchema,
  numericColumn,
  readBatchHeader,
  schemaDifference,
  schemaOf,
} from "../../src/arrow/index.js";
import { RayflightError } from "../../src/error.js";
import { readFixture } from "./fixture.js";

/** The same messages with their bodies in shared memory, as a store has them. */
function shared(messages: { header: Uint8Array; body: Uint8Array }[]) {
  return messages.map(({ header, body }) => {
    const region = new Uint8Array(new SharedArrayBuffer(body.length + 64), 64);
    region.set(body);
    return { header, body: region };
  });
}

test("pyarrow's batches decode without copying, metadata and strings included", (t) => {
  const { schema: header, messages } = readFixture("numbers");
  const schema = decodeSchema(header);
  t.deepEqual(JSON.parse(schema.metadata.get("rayflight.features")!), { feature: { mean: 1.5, scale: 2 } });
  const stored = shared(messages);
  t.deepEqual(
    stored.map(({ header, body }) => readBatchHeader(header, body)),
    [100, 33, 0].map((rows) => ({ kind: "recordBatch", rows }) as const),
  );
  const batches = decodeBatches(schema, stored);
  for (const [i, batch] of batches.entries()) {
    for (const name of ["building", "load", "feature", "hour"]) {
      const column = numericColumn(batch, name);
      t.is(column.length, batch.numRows);
      if (batch.numRows > 0) t.is(column.buffer, stored[i]!.body.buffer);
    }
  }
  const [first, second] = batches;
  t.deepEqual(numericColumn(first!, "load").slice(0, 4), new Float64Array([0, 0.25, 0.5, 0.75]));
  t.is(numericColumn(second!, "hour")[0], 100 % 24);
  t.is(second!.getChild("house")!.get(32), "house 132");
  t.is(first!.getChild("maybe")!.get(3), null);
});

test("dictionaries, their deltas and nested types decode as pyarrow meant them", (t) => {
  const { schema, messages } = readFixture("words");
  const batches = decodeBatches(decodeSchema(schema), shared(messages));
  t.deepEqual(
    batches.map((batch) => [...batch.getChild("word")!]),
    [
      ["a", "b", "a"],
      ["c", "b", "a"],
    ],
  );
  t.deepEqual(batches[0]!.get(1)?.toJSON().flag, false);
  t.deepEqual([...batches[0]!.getChild("list")!.get(2)], [2, 3]);
});

test("what no numeric array can hold is refused with the reason", (t) => {
  const { schema, messages } = readFixture("numbers");
  const [batch] = decodeBatches(decodeSchema(schema), messages);
  const refused = (name: string, code: string, message: RegExp) => {
    const error = t.throws(() => numericColumn(batch!, name), { instanceOf: RayflightError });
    t.is(error!.code as string, code);
    t.regex(error!.message, message);
  };
  refused("absent", "NOT_FOUND", /The columns are: building, load/);
  refused("maybe", "INVALID_ARGUMENT", /34 nulls in 100 rows/);
  refused("house", "INVALID_ARGUMENT", /Utf8/);
  refused("id", "INVALID_ARGUMENT", /cast it to int32 or float64/);
});

test("schemas are compared by names, types and nullability", (t) => {
  const base = readFixture("schema-base").schema;
  const differs = (name: string) => schemaDifference(readFixture(`schema-${name}`).schema, base);
  t.is(differs("base"), undefined);
  t.is(differs("metadata"), undefined);
  t.is(differs("list-child-name"), undefined);
  t.deepEqual(differs("type"), { field: "load", left: '"load" float32 not null', right: '"load" float64 not null' });
  t.deepEqual(differs("nullability"), { field: "load", left: '"load" float64', right: '"load" float64 not null' });
  t.like(differs("name"), { field: "demand" });
  t.like(differs("order"), { field: "load", right: '"building" int32 not null' });
  t.deepEqual(differs("missing"), { field: "tags", left: "nothing", right: '"tags" list<string>' });
  t.like(differs("list-child"), { field: "tags", left: '"tags" list<int32>' });
});

test("schemas of types that apache-arrow lacks are compared, too", (t) => {
  const known = readFixture("schema-base").schema;
  const unknown = readFixture("schema-unknown-type").schema;
  const other = readFixture("schema-unknown-other").schema;
  checkSchema(unknown);
  t.is(schemaDifference(unknown, new Uint8Array(unknown)), undefined);
  t.truthy(schemaDifference(unknown, other));
  t.truthy(schemaDifference(unknown, known));
});

test("malformed messages are INVALID_ARGUMENT", (t) => {
  const { schema, messages } = readFixture("numbers");
  const { header, body } = messages[0]!;
  const invalid = (f: () => unknown) => t.is(t.throws(f, { instanceOf: RayflightError })!.code, "INVALID_ARGUMENT");
  invalid(() => readBatchHeader(header, body.subarray(8)));
  invalid(() => readBatchHeader(schema, new Uint8Array(0)));
  invalid(() => readBatchHeader(new Uint8Array(16), body));
  invalid(() => checkSchema(header));
  invalid(() => decodeSchema(new Uint8Array(3)));
});

test("columns become a batch over their own memory, and come back from its messages", (t) => {
  const schema = schemaOf(
    { t: "int32", load: "float64", x: "float32", name: "string", ok: "bool", id: "int64" },
    { made: "here" },
  );
  const load = new Float64Array([1.5, 2.5]);
  const batch = batchFromColumns(
    { t: [1, 2], load, x: [0.5, 1], name: ["ä", ""], ok: [true, false], id: [1n, -1n] },
    schema,
  );
  t.is(numericColumn(batch, "load").buffer, load.buffer);
  const messages = batchEncoder()(batch);
  const [back] = decodeBatches(decodeSchema(encodeSchema(schema)), messages);
  t.deepEqual(
    back!.toArray().map((row) => ({ ...row.toJSON() })),
    [
      { t: 1, load: 1.5, x: 0.5, name: "ä", ok: true, id: 1n },
      { t: 2, load: 2.5, x: 1, name: "", ok: false, id: -1n },
    ],
  );
  t.is(decodeSchema(encodeSchema(schema)).metadata.get("made"), "here");
  t.true(messages[0]!.body.buffer instanceof SharedArrayBuffer);
  const empty = batchFromColumns({ t: [], load: [], x: [], name: [], ok: [], id: [] }, schema);
  t.is(decodeBatches(schema, batchEncoder()(empty))[0]!.numRows, 0);
  t.deepEqual(tableFromIPC(tableToIPC(new Table([batch as RecordBatch]))).numRows, 2);
});

test("columns that do not fit their schema are refused by name", (t) => {
  const schema = schemaOf({ t: "int32", load: "float64" });
  const refused = (columns: Parameters<typeof batchFromColumns>[0], message: RegExp) =>
    t.throws(() => batchFromColumns(columns, schema), { instanceOf: RayflightError, message });
  refused({ t: [1] }, /"load" is missing/);
  refused({ t: [1], load: [1, 2] }, /"load" has 2 rows where others have 1/);
  refused({ t: [1.5], load: [1] }, /"t" is Int32, and 1.5 does not fit/);
  refused({ t: [1], load: [undefined as never] }, /"load" is Float64, and undefined does not fit/);
  refused({ t: [1n], load: [1] }, /"t" is Int32, and 1 does not fit/);
  refused({ t: [1], load: new Float32Array(1) }, /"load" is Float64, and a Float32Array was given/);
  refused({ t: [1], load: [1], more: [1] }, /no column "more"/);
  t.throws(() => batchFromColumns({ t: [] }), { message: /type of the column "t" is unknown/ });
});
