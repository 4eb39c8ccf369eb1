import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { tableFromArrays } from "apache-arrow";
import { FlightError } from "arrow-flight-node";
import {
  batchesOf,
  decodeSchema,
  encodeSchema,
  joinStream,
  messagesOf,
  readMessage,
  splitStream,
} from "arrow-flight-node/ipc";
import test from "ava";
import { fixtures, readFixture } from "./fixtures.js";

const folder = mkdtempSync(path.join(tmpdir(), "ipc-split-"));
test.after.always(() => rmSync(folder, { recursive: true }));

test("batches over the limit are split by rows, and pyarrow reads the pieces to the same rows", (t) => {
  const names = readdirSync(path.join(fixtures, "ipc-compressed")).filter((name) => /^\w+\.arrows$/.test(name));
  t.true(names.length > 35);
  const pairs: string[] = [];
  for (const name of names) {
    const [schema, ...messages] = splitStream(readFixture(`ipc-compressed/${name}`));
    const pieces = [...messagesOf(batchesOf(schema!.header, messages), { maxMessageBytes: 512 })];
    for (const { header } of pieces) {
      const { bodyLength } = readMessage(header);
      t.true(header.byteLength + bodyLength <= 512, `${name}: ${header.byteLength} + ${bodyLength}`);
    }
    const file = path.join(folder, name);
    const bytes = joinStream([{ header: encodeSchema(decodeSchema(schema!.header)), body: [] }, ...pieces]);
    writeFileSync(file, Buffer.concat([...bytes]));
    pairs.push(path.join(fixtures, "ipc-compressed", name), file);
  }
  const script = path.join(fixtures, "ipc-equal.py");
  const answers = JSON.parse(execFileSync(path.resolve(".venv/bin/python"), [script, ...pairs]).toString());
  for (const [i, answer] of answers.entries()) t.true(answer.equal, names[i]);
  t.true(answers.filter((answer: { pieces: number }) => answer.pieces > 1).length > 20);
});

test("the pieces of a batch share one dictionary; one over the limit goes out as a whole and deltas", (t) => {
  const [batch] = tableFromArrays({ word: Array.from({ length: 64 }, (_, i) => `word ${i % 32}`) }).batches;
  const kinds = [...messagesOf([batch!, batch!], { maxMessageBytes: 512 })].map(({ header }) => readMessage(header));
  const dictionaries = kinds.filter(({ kind }) => kind === "dictionaryBatch");
  t.true(dictionaries.length > 1);
  t.deepEqual(
    dictionaries.map((message) => message.kind === "dictionaryBatch" && message.isDelta),
    dictionaries.map((_, i) => i > 0),
  );
  t.is(kinds.filter(({ kind }) => kind === "recordBatch").length, 4);
  t.deepEqual(kinds.slice(0, dictionaries.length), dictionaries);
});

test("a row over the limit is an error that says so", (t) => {
  const [batch] = tableFromArrays({ n: Float64Array.of(1, 2) }).batches;
  const error = t.throws(() => [...messagesOf([batch!], { maxMessageBytes: 100 })]);
  t.true(error instanceof FlightError);
  t.like(error, { code: "RESOURCE_EXHAUSTED" });
});
