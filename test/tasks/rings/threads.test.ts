import { Worker } from "node:worker_threads";
import test from "ava";
import { Bell, createThreadWords, OwnBell } from "../../../src/tasks/rings/bell.js";
import { BoardOwner, createBoard } from "../../../src/tasks/rings/board.js";
import { callWords, readResult, resultNumberOf, resultSlotOf, writeCall } from "../../../src/tasks/rings/records.js";
import { createRing, RingReader } from "../../../src/tasks/rings/ring.js";
import { WordReader } from "../../../src/tasks/rings/words.js";
import type { ClaimerStart } from "./claimer-thread.js";

test("two threads claim from a small board and answer by small rings: each call has its one result", async (t) => {
  const calls = 20_000;
  const memory = createBoard(64, 1 << 13);
  const board = new BoardOwner(memory);
  const words = createThreadWords();
  const workers = [1, 2].map((worker) => {
    const start: ClaimerStart = { worker, memory, results: createRing(64), words: createThreadWords(), owner: words };
    const thread = new Worker(new URL("./claimer-thread.js", import.meta.url), { workerData: start });
    return { thread, results: new RingReader(start.results), bell: new Bell(start.words) };
  });
  const results = new Map<number, unknown>();
  const reader = new WordReader();
  let submitted = 0;
  let done: () => void = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });

  const submit = () => {
    const length = callWords([]);
    while (submitted < calls) {
      const place = board.reserve(length);
      if (place < 0) break;
      submitted += 1;
      writeCall(board.words, BoardOwner.at(place), length, submitted, 0, 0, 0, []);
      board.show(place);
    }
    if (board.publish() > 0) for (const { bell } of workers) bell.ring();
  };
  const own = new OwnBell(words, () => {
    for (const { results: ring } of workers) {
      for (let at = ring.peek(); at >= 0; at = ring.peek()) {
        const number = resultNumberOf(ring.words, at);
        if (results.has(number)) t.fail(`${number} has two results`);
        results.set(number, readResult(reader, ring.words, at));
        board.retire(resultSlotOf(ring.words, at));
        ring.advance(at);
      }
      ring.release();
    }
    submit();
    if (results.size === calls) done();
  });
  own.listen();
  submit();
  const keepAlive = setInterval(() => {}, 1000);
  await all;
  own.close();
  clearInterval(keepAlive);
  t.is(board.used, 0);
  t.true([...results].every(([number, value]) => value === 2 * number));
  for (const { thread } of workers) await thread.terminate();
});
