import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Decimal, Field, List, makeData, makeVector, RecordBatch, Utf8, Vector, vectorFromArray } from "apache-arrow";
import { FlightError } from "arrow-flight-node";
import {
  batchesOf,
  decimalAt,
  decimalTextAt,
  decodeSchema,
  encodeSchema,
  equalLayouts,
  joinStream,
  messagesOf,
  nanosecondsAt,
  splitStream,
  textAt,
  zstdReady,
} from "arrow-flight-node/ipc";
import test from "ava";
import { fixtures, readFixture } from "./fixtures.js";
import { plainRows } from "./plain-values.js";

const names = readdirSync(path.join(fixtures, "ipc-types"))
  .filter((name) => name.endsWith(".arrows"))
  .map((name) => name.replace(".arrows", ""));
const open = (name: string) => [...splitStream(readFixture(`ipc-types/${name}.arrows`))];
const columnsOf = (name: string): Vector[] => {
  const [schema, ...messages] = open(name);
  return Array.from(batchesOf(schema!.header, messages), (batch) => batch.getChildAt(0)!);
};

test.before(() => zstdReady);

const folder = mkdtempSync(path.join(tmpdir(), "ipc-types-"));
test.after.always(() => rmSync(folder, { recursive: true }));

for (const name of names) {
  test(`${name}: every value is the one that pyarrow reads`, (t) => {
    const written = JSON.parse(Buffer.from(readFixture(`ipc-types/${name}.json`)).toString());
    t.deepEqual(columnsOf(name).map(plainRows), written);
  });
}

test("pyarrow reads what is written again from every type to the same rows", (t) => {
  const pairs = names.flatMap((name) => {
    const [schema, ...messages] = open(name);
    const batches = batchesOf(schema!.header, messages);
    const file = path.join(folder, name);
    const bytes = joinStream([
      { header: encodeSchema(decodeSchema(schema!.header)), body: [] },
      ...messagesOf(batches),
    ]);
    writeFileSync(file, Buffer.concat([...bytes]));
    return [path.join(fixtures, "ipc-types", `${name}.arrows`), file];
  });
  const script = path.join(fixtures, "ipc-equal.py");
  const answers = JSON.parse(execFileSync(path.resolve(".venv/bin/python"), [script, ...pairs]).toString());
  for (const [i, answer] of answers.entries()) t.true(answer.equal, names[i]);
});

test("batches are what apache-arrow's own constructor makes of their columns", (t) => {
  for (const name of ["struct_of_everything", "string", "null"]) {
    const [schema, ...messages] = open(name);
    for (const batch of batchesOf(schema!.header, messages)) {
      const made = new RecordBatch(batch.schema, batch.data);
      t.deepEqual(Object.keys(batch), Object.keys(made));
      t.deepEqual([...batch].map(String), [...made].map(String));
      t.true(batch instanceof RecordBatch);
      t.deepEqual([...batch.dictionaries.keys()], [...made.dictionaries.keys()]);
      t.is(batch.slice(0, 1).numRows, Math.min(1, batch.numRows));
      t.is(batch.metadata.size, 0);
    }
  }
});

test("columns of 300 random nested types have the values that pyarrow reads", (t) => {
  const script = path.join(fixtures, "ipc-types.py");
  execFileSync(path.resolve(".venv/bin/python"), [script, "1", "300", folder]);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  t.true(files.length > 250);
  for (const file of files) {
    const [schema, ...messages] = splitStream(readFileSync(path.join(folder, file.replace(".json", ".arrows"))));
    const values = Array.from(batchesOf(schema!.header, messages), (batch) => plainRows(batch.getChildAt(0)!));
    const name = `${file}: ${decodeSchema(schema!.header).fields[0]!.type}`;
    t.deepEqual(values, JSON.parse(readFileSync(path.join(folder, file), "utf8")), name);
  }
});

test("types that apache-arrow lacks read as types that it has", (t) => {
  const typeOf = (name: string) => String(decodeSchema(open(name)[0]!.header).fields[0]!.type);
  t.is(typeOf("list_view_crossed"), "List<Int64>");
  t.is(typeOf("run_end_int16"), "Utf8");
  t.is(typeOf("run_end_of_list_view"), "List<Int32>");
  t.is(typeOf("dictionary_int64"), "Dictionary<Int32, Utf8>");
  t.is(typeOf("dictionary_of_list_views"), "Dictionary<Int32, List<Int32>>");
});

test("exact values are those of slices and of columns in several chunks, too", (t) => {
  const written = (name: string): unknown[] =>
    JSON.parse(Buffer.from(readFixture(`ipc-types/${name}.json`)).toString()).flat();
  const read = (name: string, at: (column: never, row: number) => unknown) => {
    const [first, ...others] = columnsOf(name);
    const column = first!.concat(...others);
    const values = Array.from({ length: column.length }, (_, row) => at(column as never, row));
    const slice = column.slice(2, 9);
    const part = Array.from({ length: slice.length }, (_, row) => at(slice as never, row));
    t.deepEqual(part, values.slice(2, 9), name);
    t.throws(() => at(column as never, column.length), { instanceOf: RangeError });
    t.throws(() => at(column as never, -1), { instanceOf: RangeError });
    return values;
  };
  for (const name of ["decimal32", "decimal64", "decimal128", "decimal256", "decimal128_negative_scale"]) {
    t.deepEqual(read(name, decimalTextAt), written(name), name);
  }
  for (const name of ["string", "large_string", "string_view"]) t.deepEqual(read(name, textAt), written(name), name);
  const nanoseconds = written("timestamp_ns").map((value) => (value === null ? null : BigInt(value as string)));
  t.deepEqual(read("timestamp_ns", nanosecondsAt), nanoseconds);
});

test("decimals of every width print rightly, in nested columns and by iteration, too", (t) => {
  for (const name of ["decimal32", "decimal64", "decimal128", "decimal256", "run_end_of_decimal256"]) {
    const [column] = columnsOf(name);
    const exact = Array.from({ length: column!.length }, (_, row) => decimalAt(column as never, row));
    t.true(exact.some((value) => value !== null && value < 0n));
    t.deepEqual([...column!].map(String), exact.map(String), name);
    t.deepEqual(
      [...column!].map((value) => value && JSON.parse(value.toJSON())),
      exact.map((value) => (value === null ? null : String(value))),
    );
    t.deepEqual(
      [...column!].map((value) => value && Number(value)),
      exact.map((value) => (value === null ? null : Number(value))),
    );
    t.is(column!.get(0).valueOf(2), 0.01);
    const list = new Vector([
      makeData({
        type: new List(new Field("item", column!.type, true)),
        length: 1,
        nullCount: 0,
        valueOffsets: Int32Array.of(2, 4),
        child: column!.data[0]!,
      }),
    ]);
    t.deepEqual([...list.get(0)!].map(String), exact.slice(2, 4).map(String));
  }
});

test("a decimal of a monstrous scale is not written out", (t) => {
  const data = (scale: number) =>
    makeVector(makeData({ type: new Decimal(scale, 9, 32), length: 1, nullCount: 0, data: Uint32Array.of(15) }));
  t.is(decimalTextAt(data(3), 0), "0.015");
  t.is(decimalTextAt(data(-3), 0), "15000");
  for (const scale of [2 ** 31 - 1, -(2 ** 31)])
    t.like(
      t.throws(() => decimalTextAt(data(scale), 0)),
      { code: "OUT_OF_RANGE" },
    );
});

test("what apache-arrow's own getters lose, the exact ones keep", (t) => {
  const marked = vectorFromArray(["\uFEFFa mark at the start of a long text", "\uFEFF"], new Utf8());
  t.is(marked.get(1), "");
  t.deepEqual([textAt(marked, 0), textAt(marked, 1)], ["\uFEFFa mark at the start of a long text", "\uFEFF"]);
  const [times] = columnsOf("timestamp_ns");
  t.is(nanosecondsAt(times as never, 2), 1656678615123456789n);
  t.not(BigInt(Math.round(times!.get(2) * 1e6)), 1656678615123456789n);
});

test("a decoded schema remembers how its messages lie, and tells layouts apart", (t) => {
  const [header, ...messages] = open("run_end_of_list_view");
  const schema = decodeSchema(header!.header);
  t.is([...batchesOf(schema, messages)].length, 4);
  t.true(equalLayouts(schema, header!.header));
  t.false(equalLayouts(schema, open("ListType")[0]!.header));
  t.false(equalLayouts(open("ListType")[0]!.header, open("ListViewType")[0]!.header));
});

test("a few bytes that stand for much are refused before it is made", (t) => {
  for (const name of ["run_end_of_float64", "run_end_of_struct", "list_view_crossed", "dictionary_int64"]) {
    const [schema, ...messages] = open(name);
    const error = t.throws(() => [...batchesOf(schema!.header, messages, { maxDecodedBytes: 16 })]);
    t.true(error instanceof FlightError, `${error}`);
    t.like(error, { code: "RESOURCE_EXHAUSTED" });
  }
});
