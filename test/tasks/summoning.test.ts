import test from "ava";
import { Submissions } from "../../src/tasks/owner/submissions.js";
import { createThreadWords } from "../../src/tasks/rings/bell.js";
import { BoardClaimer } from "../../src/tasks/rings/board.js";
import { Permit, PermitOffice } from "../../src/tasks/rings/permit.js";
import { resultKind, resultWords, writeResult } from "../../src/tasks/rings/records.js";
import { createRing, RingWriter } from "../../src/tasks/rings/ring.js";

const nothing = () => {};
const endings = { succeeded: nothing, failed: nothing, deposited: nothing, bounced: nothing, unanswered: nothing };

/** A worker with a permit, as its owner sees it. */
function createWorker(id: number, submissions: Submissions) {
  const words = createThreadWords();
  const results = createRing(1 << 10);
  new PermitOffice(words).grant();
  submissions.meet(id, results, words);
  const [permit, writer] = [new Permit(words), new RingWriter(results)];
  const counter = new Int32Array(words);
  let seen = counter[0]!;
  return {
    board: new BoardClaimer(submissions.memory, id),
    permit,
    /** Whether it was rung since the last time. */
    wasRung() {
      const rung = counter[0] !== seen;
      seen = counter[0]!;
      return rung;
    },
    say(callee: number, nanoseconds: number) {
      const { words: to, at } = writer.reserve(resultWords(undefined));
      writeResult(to, at, resultKind.took, callee, nanoseconds, undefined);
      writer.publish();
      submissions.pump();
    },
  };
}

function setUp() {
  const callee = { name: "f", maxRetries: 3, retryExceptions: false };
  const submissions = new Submissions([callee], endings);
  let last = 0;
  const submit = (count: number) => {
    for (let i = 0; i < count; i++) submissions.submit(9, ++last, 0, 0, 0, []);
    submissions.flush();
  };
  return { submissions, submit, workers: [createWorker(1, submissions), createWorker(2, submissions)] as const };
}

test("a function that never ran wakes a worker for each call", (t) => {
  const { submit, workers } = setUp();
  submit(1);
  t.deepEqual(
    workers.map((worker) => worker.wasRung()),
    [true, false],
  );
  workers[0].permit.begin();
  submit(1);
  t.deepEqual(
    workers.map((worker) => worker.wasRung()),
    [false, true],
  );
});

test("short calls wake one worker, and a second one when more than that one's share waits", (t) => {
  const { submit, workers } = setUp();
  const [first, second] = workers;
  first.say(0, 1000);
  submit(100);
  t.true(first.wasRung());
  t.false(second.wasRung());
  first.permit.begin();
  first.permit.quick = true;
  submit(100);
  t.false(first.wasRung(), "it looks by itself");
  t.false(second.wasRung(), "200 microseconds wait");
  submit(100);
  t.true(second.wasRung());
});

test("who runs something long is not waited for", (t) => {
  const { submit, workers } = setUp();
  const [first, second] = workers;
  first.say(0, 1000);
  first.permit.begin();
  submit(1);
  t.true(second.wasRung());
});

test("calls that were expected to be taken soon and still wait wake whoever idles", async (t) => {
  const { submit, workers } = setUp();
  const [first, second] = workers;
  first.say(0, 1000);
  first.permit.begin();
  first.permit.quick = true;
  submit(1);
  t.false(second.wasRung());
  // The first one turns out to take long.
  while (!second.wasRung()) await new Promise((resolve) => setTimeout(resolve, 1));
  t.pass();
});
