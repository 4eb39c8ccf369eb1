import { readdirSync } from "node:fs";
import path from "node:path";
import { FlightError } from "arrow-flight-node";
import { batchesOf, type IpcMessage, splitStream, zstdReady } from "arrow-flight-node/ipc";
import test from "ava";
import { fixtures, readFixture } from "./fixtures.js";

test.before(() => zstdReady);

const open = (name: string) => [...splitStream(readFixture(`ipc-compressed/${name}.arrows`))];
const names = readdirSync(path.join(fixtures, "ipc-compressed"))
  .filter((name) => name.endsWith(".lz4.arrows"))
  .map((name) => name.replace(".lz4.arrows", ""));

function rowsOf([schema, ...messages]: IpcMessage[], maxDecodedBytes?: number): string {
  const batches = [...batchesOf(schema!.header, messages, { maxDecodedBytes })];
  return JSON.stringify(
    batches.flatMap((batch) => [...batch]),
    (_, value) => (typeof value === "bigint" ? String(value) : value),
  );
}

for (const codec of ["lz4", "zstd"]) {
  test(`${codec}: every kind of column decodes to what it is uncompressed`, (t) => {
    t.true(names.length > 35);
    for (const name of names) t.is(rowsOf(open(`${name}.${codec}`)), rowsOf(open(name)), name);
  });

  test(`${codec}: a body in shared memory is decoded, too`, (t) => {
    const shared = open(`utf8.${codec}`).map(({ header, body }) => {
      const copy = new Uint8Array(new SharedArrayBuffer(body.byteLength));
      copy.set(body);
      return { header, body: copy };
    });
    t.is(rowsOf(shared), rowsOf(open("utf8")));
  });

  test(`${codec}: what decodes to more than it says, or than the limit, is refused`, (t) => {
    const messages = open(`int64.${codec}`);
    t.is(refusal(messages, 64), "RESOURCE_EXHAUSTED");
    for (const length of [0n, 1n, 3n, -2n, 1n << 20n, 1n << 40n, (1n << 63n) - 1n]) {
      const body = new Uint8Array(messages[1]!.body);
      new DataView(body.buffer).setBigInt64(0, length, true);
      t.regex(refusal([messages[0]!, { header: messages[1]!.header, body }]), /INVALID|EXHAUSTED/, String(length));
    }
  });

  test(`${codec}: any byte of a body may be wrong`, (t) => {
    const messages = open(`utf8.${codec}`);
    for (let at = 0; at < messages[1]!.body.byteLength; at++) {
      for (const flip of [1, 0x80, 0xff]) {
        const body = new Uint8Array(messages[1]!.body);
        body[at]! ^= flip;
        t.true(typeof refusal([messages[0]!, { header: messages[1]!.header, body }]) === "string");
      }
    }
  });
}

/** The code with which `messages` are refused, "" when they are not. */
function refusal(messages: IpcMessage[], limit?: number): string {
  try {
    rowsOf(messages, limit);
    return "";
  } catch (reason) {
    if (reason instanceof FlightError) return reason.code;
    throw reason;
  }
}
