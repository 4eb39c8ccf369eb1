import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  Dictionary,
  Int32,
  RecordBatch,
  Table,
  tableFromArrays,
  tableFromIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import { batchesOf, splitStream } from "arrow-flight-node/ipc";
import test from "ava";
import { batchFromColumns, schemaOf } from "../../src/arrow/index.js";
import {
  inlineLimit,
  type PackedValue,
  packValue,
  readValue,
  unpackValue,
  type ValueCodec,
} from "../../src/store/value.js";
import { fixtures, readFixture } from "../flight/fixtures.js";

const codec: ValueCodec = { toHandle: () => undefined, fromHandle: () => ({}) };
const pack = (value: unknown) => packValue(value, codec, "It") as PackedValue;
const folder = mkdtempSync(path.join(tmpdir(), "tables-"));
test.after.always(() => rmSync(folder, { recursive: true }));

const rows = 20_000;
const large = () =>
  tableFromArrays({
    x: Float64Array.from({ length: rows }, (_, i) => i),
    word: Array.from({ length: rows }, (_, i) => (i % 3 === 0 ? null : `word ${i % 7}`)),
  });
/** The IPC stream in a value that is nothing but a large table. */
const streamIn = ({ bytes }: PackedValue) => bytes.subarray(64);

test("tables that pyarrow wrote lie in the store as streams that pyarrow reads to the same rows, for every type", (t) => {
  const home = path.join(fixtures, "ipc-types");
  const names = readdirSync(home).filter((name) => name.endsWith(".arrows"));
  t.true(names.length > 40);
  const pairs = names.flatMap((name) => {
    const [schema, ...messages] = splitStream(readFixture(`ipc-types/${name}`));
    const batches = [...batchesOf(schema!.header, messages)];
    const table = unpackValue(pack(new Table(batches)), codec) as Table;
    // Read, and packed again: what is written is what a second reader gets.
    const { bytes } = pack(table);
    writeFileSync(path.join(folder, name), bytes.subarray(bytes.length > inlineLimit ? 64 : 8));
    return [path.join(home, name), path.join(folder, name)];
  });
  const script = path.join(fixtures, "ipc-equal.py");
  const answers = JSON.parse(execFileSync(path.resolve(".venv/bin/python"), [script, ...pairs]).toString());
  t.deepEqual(
    names.filter((_, i) => !answers[i].equal),
    [],
  );
});

test("each buffer of a large table is at a multiple of 64, and what is read are views of it, strings and nulls included", (t) => {
  const table = large();
  const packed = pack(table);
  t.true(packed.bytes.buffer instanceof SharedArrayBuffer);
  const back = unpackValue(packed, codec) as Table;
  t.true(back instanceof Table);
  for (const column of back.batches[0]!.data.children) {
    const { values, valueOffsets, nullBitmap } = column;
    for (const buffer of [values, valueOffsets, nullBitmap]) {
      if (!buffer?.byteLength) continue;
      t.is(buffer.buffer, packed.bytes.buffer as never);
      t.is(buffer.byteOffset % 64, 0);
    }
  }
  t.deepEqual(back.getChild("word")!.toJSON(), table.getChild("word")!.toJSON());
  t.is(readValue(packed, codec), back);
  t.is(tableFromIPC(streamIn(packed)).numRows, rows);
});

test("of a slice, only its rows are stored", (t) => {
  const slice = large().slice(100, 110);
  const packed = pack(slice);
  t.true(packed.bytes.byteLength < 4096, `${packed.bytes.byteLength}`);
  t.deepEqual((unpackValue(packed, codec) as Table).toArray().map(String), slice.toArray().map(String));
});

test("several batches, a single batch, and no rows at all", (t) => {
  const [table, other] = [large(), large()];
  const both = table.concat(other);
  const back = unpackValue(pack(both), codec) as Table;
  t.is(back.batches.length, 2);
  t.is(back.numRows, 2 * rows);
  const batch = unpackValue(pack(table.batches[0]), codec);
  t.true(batch instanceof RecordBatch);
  t.is((batch as RecordBatch).numRows, rows);
  const empty = unpackValue(pack(new Table(table.schema)), codec) as Table;
  t.is(empty.numRows, 0);
  t.deepEqual(empty.schema.names, ["x", "word"]);
});

test("metadata of a schema, names and what may be null stay", (t) => {
  const schema = schemaOf({ a: "int32", b: "string" }, { origin: "here" });
  const table = new Table([batchFromColumns({ a: [1, 2], b: ["x", "y"] }, schema)]);
  const back = unpackValue(pack({ deep: [table] }), codec) as { deep: [Table] };
  t.is(back.deep[0].schema.metadata.get("origin"), "here");
  t.deepEqual(
    back.deep[0].schema.fields.map(({ name, nullable }) => [name, nullable]),
    [
      ["a", false],
      ["b", false],
    ],
  );
});

test("tables and typed arrays inside of values lie beside each other in shared memory", (t) => {
  const table = large();
  const packed = pack({ table, again: [table], marks: new Float64Array([1, 2]), note: "n" });
  const back = unpackValue(structuredClone(packed), codec) as { table: Table; again: Table[]; marks: Float64Array };
  t.is(back.table, back.again[0]!);
  t.deepEqual(back.marks, new Float64Array([1, 2]));
  t.is(back.table.getChild("word")!.get(5), "word 5");
  t.is(back.table.getChild("x")!.data[0]!.values.buffer, back.marks.buffer);
});

test("a column that is a dictionary keeps it, also one that differs from batch to batch", (t) => {
  const words = (list: string[]) => new Table({ w: vectorFromArray(list, new Dictionary(new Utf8(), new Int32(), 7)) });
  const table = new Table([...words(["a", "b", "a"]).batches, ...words(["c", "d"]).batches]);
  const back = unpackValue(pack(table), codec) as Table;
  t.deepEqual([...back.getChild("w")!], ["a", "b", "a", "c", "d"]);
});

test("plain objects that look like tables, and instances of other classes, are none", (t) => {
  const like = { schema: { fields: [] }, batches: [], numRows: 0 };
  t.deepEqual(unpackValue(pack(like), codec), like);
  class Sheet {
    schema = { fields: [] };
  }
  t.throws(() => pack(new Sheet()), { code: "NOT_SERIALIZABLE", message: /class Sheet.*Arrow tables/ });
});

test("what is read again and again is made once: a table, and a typed array of a kilobyte or more", (t) => {
  const again = (value: unknown) => {
    const packed = pack(value);
    return [readValue(packed, codec), readValue(packed, codec)] as [Uint8Array, Uint8Array];
  };
  for (const value of [large(), tableFromArrays({ a: [1] }), new Uint8Array(1024)]) {
    const [one, two] = again(value);
    t.is(one, two);
  }
  const [one, two] = again(new Uint8Array(10));
  t.not(one, two);
  const packed = pack(new Uint8Array(4096).fill(3));
  const first = readValue(packed, codec) as Uint8Array;
  structuredClone(first.buffer, { transfer: [first.buffer as ArrayBuffer] });
  t.is((readValue(packed, codec) as Uint8Array)[4095], 3, "one that was transferred is made again");
  (readValue(packed, codec) as Uint8Array)[0] = 9;
  t.is((unpackValue(packed, codec) as Uint8Array)[0], 3, "what others get is not what a reader has");
});

test("an ArrayBuffer of any size comes back as one of the reader's own", (t) => {
  for (const size of [0, 5, 2 * inlineLimit]) {
    const packed = pack(new Uint8Array(size).fill(7).buffer);
    const [one, two] = [unpackValue(packed, codec), unpackValue(packed, codec)] as [ArrayBuffer, ArrayBuffer];
    t.true(one instanceof ArrayBuffer);
    t.not(one, two);
    t.deepEqual(new Uint8Array(one), new Uint8Array(size).fill(7));
  }
});
