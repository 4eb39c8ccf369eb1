/** A thread that claims calls from a board and answers each with the double of its number. */
import { workerData } from "node:worker_threads";
import { Bell, OwnBell } from "../../../src/tasks/rings/bell.js";
import { BoardClaimer, type BoardMemory } from "../../../src/tasks/rings/board.js";
import { numberOf, resultKind, resultWords, writeResult } from "../../../src/tasks/rings/records.js";
import { RingWriter } from "../../../src/tasks/rings/ring.js";

export interface ClaimerStart {
  readonly worker: number;
  readonly memory: BoardMemory;
  readonly results: SharedArrayBuffer;
  readonly words: SharedArrayBuffer;
  readonly owner: SharedArrayBuffer;
}

const { worker, memory, results, words, owner } = workerData as ClaimerStart;
const board = new BoardClaimer(memory, worker);
const writer = new RingWriter(results);
const bell = new Bell(owner);
const taken: number[] = [];
// It waits in a way that keeps no thread alive.
setInterval(() => {}, 1000);

const own = new OwnBell(words, () => {
  while (board.claim(16, taken) > 0) {
    for (const slot of taken.splice(0)) {
      const number = numberOf(board.words, board.placeOf(slot));
      board.begin(slot);
      const value = 2 * number;
      const space = writer.reserve(resultWords(value));
      writeResult(space.words, space.at, resultKind.value, number, slot, value);
      board.end(slot);
    }
    if (writer.publish()) bell.ring();
  }
  // The ring is small: what waits for room is shown once the owner has read.
  if (writer.waits) setImmediate(() => own.wake());
  if (writer.publish()) bell.ring();
});
own.listen();
