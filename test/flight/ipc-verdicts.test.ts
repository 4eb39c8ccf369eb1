import test from "ava";
import { readFixture } from "./fixtures.js";
import { judge, type Verdict } from "./ipc-verdicts.js";

const verdicts = JSON.parse(Buffer.from(readFixture("ipc-verdicts.json")).toString()) as Verdict[];

test("of 2,000 damaged streams, what pyarrow's full validation refuses is refused, in bounded time", (t) => {
  let stricter = 0;
  for (const verdict of verdicts) {
    const started = performance.now();
    const answer = judge(verdict);
    t.true(performance.now() - started < 2_000, `${verdict} took long`);
    if (verdict.at(-1) === false) t.not(answer, "accepted", `${verdict}: pyarrow refuses it`);
    // Buffers that lie outside the body are refused here even where pyarrow does not look at them.
    else if (answer !== "accepted" && !/beyond|buffer's (position|length)/.test(answer.message)) stricter += 1;
  }
  t.is(verdicts.length, 2000);
  t.true(stricter < 30, `${stricter} streams that pyarrow reads are refused`);
  t.true(verdicts.filter((verdict) => verdict.at(-1) === true).length > 500);
});
