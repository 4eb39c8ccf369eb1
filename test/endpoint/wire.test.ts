import test from "ava";
import {
  readEndMarker,
  readInfoTarget,
  readPutTarget,
  readTicket,
  toJson,
  writeTicket,
} from "../../bridge/endpoint/wire.js";
import { RayflightError } from "../../src/error.js";

const json = (value: unknown) => toJson(value);

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (reason) {
    if (reason instanceof RayflightError) return `${reason.code}: ${reason.message}`;
  }
  return "nothing was refused";
}

test("a put's command names one attempt at one part of a transaction", (t) => {
  const command = { transaction: "x", dataset: "a/b", part: "p-00001", attempt: 7 };
  t.deepEqual(readPutTarget({ type: "command", command: json(command) }), { kind: "part", command });
});

test("a put's path names a dataset, whole or in segments", (t) => {
  t.deepEqual(readPutTarget({ type: "path", path: ["a/b"] }), { kind: "dataset", dataset: "a/b" });
  t.deepEqual(readPutTarget({ type: "path", path: ["a", "b"] }), { kind: "dataset", dataset: "a/b" });
});

test("what a peer leaves out or gets wrong is refused with the field's name", (t) => {
  t.regex(
    refusal(() => readPutTarget(undefined)),
    /^INVALID_ARGUMENT: .*descriptor/,
  );
  t.regex(
    refusal(() => readPutTarget({ type: "path", path: [] })),
    /^INVALID_ARGUMENT: .*path is empty/,
  );
  t.regex(
    refusal(() => readPutTarget({ type: "command", command: Buffer.from("{") })),
    /not JSON/,
  );
  t.regex(
    refusal(() => readPutTarget({ type: "command", command: json([]) })),
    /not a JSON object/,
  );
  for (const attempt of [-1, 1.5, "1", null, 2 ** 60]) {
    const command = json({ transaction: "x", dataset: "d", part: "p", attempt });
    t.regex(
      refusal(() => readPutTarget({ type: "command", command })),
      /"attempt"/,
    );
  }
  t.regex(
    refusal(() => readEndMarker(json({ end: true, rows: -1 }))),
    /"rows"/,
  );
  t.regex(
    refusal(() => readTicket(json({ dataset: "d" }))),
    /not given out by this endpoint/,
  );
});

test("only an end marker is one", (t) => {
  t.deepEqual(readEndMarker(json({ end: true, rows: 3 })), { rows: 3 });
  t.is(readEndMarker(json({ rows: 3 })), undefined);
});

test("a descriptor asks for a dataset, a version, a stream to follow or a state table", (t) => {
  t.deepEqual(readInfoTarget({ type: "path", path: ["state", "tasks"] }), { kind: "state", table: "tasks" });
  t.deepEqual(readInfoTarget({ type: "path", path: ["a", "b"] }), { kind: "dataset", dataset: "a/b", follow: false });
  const command = json({ dataset: "d", version: 2, follow: true });
  t.deepEqual(readInfoTarget({ type: "command", command }), {
    kind: "dataset",
    dataset: "d",
    version: 2,
    follow: true,
  });
});

test("every kind of ticket reads back as it was written", (t) => {
  for (const ticket of [
    { kind: "part", dataset: "d", version: 1, part: 0 },
    { kind: "snapshot", dataset: "d", version: 1, messages: 4 },
    { kind: "follow", dataset: "d" },
    { kind: "state", table: "tasks" },
  ] as const) {
    t.deepEqual(readTicket(writeTicket(ticket)), ticket);
  }
});
