import test from "ava";
import type { Failure } from "../../src/tasks/failure.js";
import type { CallFacts } from "../../src/tasks/journal.js";
import { Submissions } from "../../src/tasks/owner/submissions.js";
import { createThreadWords } from "../../src/tasks/rings/bell.js";
import { BoardClaimer } from "../../src/tasks/rings/board.js";
import { resultKind, resultWords, writeResult } from "../../src/tasks/rings/records.js";
import { createRing, RingWriter } from "../../src/tasks/rings/ring.js";

function claim(board: BoardClaimer): number[] {
  const taken: number[] = [];
  board.claim(1, taken);
  return taken;
}

/** A call that a worker has, and of what its owner hears. */
function setUp() {
  const failed: (Pick<CallFacts, "number" | "attempt" | "parent" | "submitted"> & Pick<Failure, "code">)[] = [];
  const never = () => {
    throw new Error("this was not to happen");
  };
  const submissions = new Submissions([{ name: "f", maxRetries: 3, retryExceptions: true }], {
    succeeded: never,
    failed: ({ number, attempt, parent, submitted }, { code }) => {
      failed.push({ number, attempt, parent, submitted, code });
    },
    deposited: never,
    bounced: never,
    unanswered: never,
  });
  submissions.submit(9, 7, 0, 5, 1000, []);
  submissions.flush();
  const results = createRing(1 << 10);
  const writer = new RingWriter(results);
  const board = new BoardClaimer(submissions.memory, 1);
  const [slot] = claim(board);
  return {
    submissions,
    failed,
    board,
    meet: () => submissions.meet(1, results, createThreadWords()),
    say(kind: number) {
      const { words, at } = writer.reserve(resultWords(undefined));
      writeResult(words, at, kind, 7, slot!, undefined);
      writer.publish();
    },
  };
}

for (const kind of ["returned", "bounced"] as const) {
  test(`a call that is cancelled while its worker has not begun it, and comes back (${kind}), is not put up again`, (t) => {
    const { submissions, failed, board, meet, say } = setUp();
    meet();
    t.false(submissions.cancel(7));
    say(resultKind[kind]);
    submissions.pump();
    t.deepEqual(failed, [{ number: 7, attempt: 0, parent: 5, submitted: 1000, code: "TASK_CANCELLED" }]);
    t.is(submissions.size, 0);
    t.deepEqual(claim(board), []);
  });
}

test("a call that came back before its owner had heard of the worker is there for others", (t) => {
  const { submissions, board, meet, say } = setUp();
  say(resultKind.returned);
  meet();
  submissions.pump();
  t.is(claim(board).length, 1);
});
