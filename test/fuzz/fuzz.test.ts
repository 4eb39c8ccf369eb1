import { readdirSync, readFileSync } from "node:fs";
import test from "ava";
import { Foreign } from "./foreign.js";
import { emptyTally, type Finding, fuzz } from "./fuzz.js";
import { Judge } from "./judge.js";
import { fuzzRooms, roomNamed } from "./rooms.js";

for (const room of fuzzRooms) {
  test(`${room.name}: 1,500 damaged inputs are read as pyarrow reads them, or refused`, async (t) => {
    await using judge = new Judge();
    await using foreign = new Foreign();
    const tally = emptyTally();
    t.is(await fuzz(room, { seed: 4, runs: 1_500, judge, foreign, tally }), undefined);
    t.is(tally.inputs, 1_500);
    t.true(tally.accepted > 100 && tally.accepted < 1_400, `${tally.accepted} of them are read`);
  });
}

test("what was once judged wrongly is judged rightly", async (t) => {
  await using judge = new Judge();
  await using foreign = new Foreign();
  const folder = "test/fuzz/findings";
  for (const file of readdirSync(folder)) {
    const finding = JSON.parse(readFileSync(`${folder}/${file}`, "utf8")) as Finding;
    const room = roomNamed(finding.room);
    const input = { ...finding, bytes: new Uint8Array(Buffer.from(finding.bytes, "base64")) };
    const answer = await judge.ask(room.name, input);
    if (typeof answer === "string") {
      t.fail(`${file}: ${answer}`);
      continue;
    }
    const kind = room.witness(input);
    const witness = kind === undefined ? undefined : await foreign.ask(kind, input.bytes);
    t.is(room.disagreement(answer, witness), undefined, file);
  }
});

test("a crash is a finding, and so is a contradiction, made small", async (t) => {
  await using judge = new Judge();
  await using foreign = new Foreign();
  const room = roomNamed("protobuf");
  const strict = { ...room, disagreement: () => "wrong" };
  const finding = await fuzz(strict, { seed: 1, runs: 100, judge, foreign, tally: emptyTally() });
  t.is(finding?.what, "wrong");
  t.regex(
    String(await judge.ask("protobuf", { sample: "no such kind", bytes: new Uint8Array(0), cuts: [] })),
    /^crash: TypeError/,
  );
  t.deepEqual(await judge.ask("protobuf", { sample: "ticket", bytes: new Uint8Array(0), cuts: [] }), { value: "" });
});
