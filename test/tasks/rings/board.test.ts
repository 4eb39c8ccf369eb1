import test from "ava";
import { BoardClaimer, BoardOwner, createBoard } from "../../../src/tasks/rings/board.js";
import { countAttempt } from "../../../src/tasks/rings/records.js";
import { createRing, RingReader, RingWriter } from "../../../src/tasks/rings/ring.js";
import { Interleaver } from "./interleave.js";

/**
 * An owner with a small board, workers that claim, run and answer, and a supervisor that tells of the dead: whatever the
 * order, and wherever threads are ended, each call has exactly one result.
 */
function play(seed: number, steps: number): { ends: number; finished: number; again: number } {
  const world = new Interleaver(seed, 60);
  const { random } = world;
  const memory = createBoard(8, 1 << 10);
  const owner = new BoardOwner(memory);
  const workers = new Map<number, { results: RingReader; dead: boolean }>();
  const finished = new Map<number, number>();
  const slots = new Map<number, number>();
  const length = 32;
  let submitted = 0;
  let withdrawn = 0;
  let again = 0;
  let lastWorker = 0;

  const hire = () => {
    const worker = ++lastWorker;
    const board = new BoardClaimer(memory, worker);
    const ring = createRing(64);
    const writer = new RingWriter(ring);
    const record = { results: new RingReader(ring), dead: false };
    workers.set(worker, record);
    const taken: number[] = [];
    world.threads.push({
      mortal: true,
      step() {
        if (taken.length === 0) board.claim(1 + random.integer(3), taken);
        const slot = taken.shift();
        if (slot !== undefined) {
          const at = board.placeOf(slot);
          board.begin(slot);
          const { words, at: to } = writer.reserve(4);
          words[to + 1] = board.words[at + 1]!;
          words[to + 2] = slot;
          // What a call's code would do with its argument.
          words[to + 3] = board.words[at + 9]! * 2;
          if (random.integer(4) > 0) board.end(slot);
        }
        if (random.integer(2) === 0) writer.publish();
      },
      ended() {
        record.dead = true;
      },
    });
  };

  const settle = (reader: RingReader) => {
    for (let at = reader.peek(); at >= 0; at = reader.peek()) {
      const number = reader.words[at + 1]!;
      if (finished.has(number)) throw new Error(`${number} has two results`);
      if (reader.words[at + 3] !== number * 20) throw new Error(`${number} has a wrong result`);
      const slot = reader.words[at + 2]!;
      if (slots.get(number) !== slot) throw new Error(`${number} was in slot ${slots.get(number)}, not ${slot}`);
      finished.set(number, slot);
      owner.retire(slot);
      reader.advance(at);
    }
    reader.release();
  };

  world.threads.push({
    mortal: false,
    step() {
      const choice = random.integer(8);
      if (choice < 4) {
        for (let i = random.integer(4); i > 0; i--) {
          const place = owner.reserve(length);
          if (place < 0) break;
          const number = ++submitted;
          const at = BoardOwner.at(place);
          owner.words[at + 1] = number;
          owner.words[at + 7] = 1;
          owner.words[at + 9] = number * 10;
          slots.set(number, owner.show(place));
        }
        if (random.integer(3) > 0) owner.publish();
      } else if (choice === 4 && submitted > 0) {
        const number = 1 + random.integer(submitted);
        if (!finished.has(number) && owner.withdraw(slots.get(number)!)) {
          finished.set(number, -1);
          withdrawn += 1;
        }
      } else {
        for (const [worker, { results, dead }] of workers) {
          settle(results);
          if (!dead) continue;
          workers.delete(worker);
          for (const { slot } of owner.abandonedBy(worker)) {
            const at = owner.placeOf(slot);
            countAttempt(owner.words, at);
            slots.set(owner.words[at + 1]!, owner.putAgain(slot));
            again += 1;
          }
          hire();
        }
        owner.publish();
      }
    },
  });
  for (let i = 0; i < 3; i++) hire();
  world.run(steps);

  // Nobody submits any more, nobody is ended any more: all that is left is done.
  owner.publish();
  for (const [worker, { results, dead }] of workers) {
    settle(results);
    if (!dead) continue;
    for (const { slot } of owner.abandonedBy(worker))
      slots.set(owner.words[owner.placeOf(slot) + 1]!, owner.putAgain(slot));
    workers.delete(worker);
  }
  owner.publish();
  hire();
  const [manager] = world.threads.splice(0, 1);
  if (manager!.mortal) throw new Error("The owner is the first thread.");
  for (let round = 0; round < 100; round++) {
    for (const thread of world.threads) thread.step();
    for (const { results } of workers.values()) settle(results);
  }
  if (finished.size !== submitted) throw new Error(`${submitted - finished.size} of ${submitted} calls are lost`);
  if (owner.used !== 0) throw new Error(`${owner.used} slots are left`);
  return { ends: world.ends, finished: submitted - withdrawn, again };
}

test("whatever the order and wherever threads end, each call has one result", (t) => {
  const sum = { ends: 0, finished: 0, again: 0 };
  for (let seed = 1; seed <= 300; seed++) {
    try {
      const counts = play(seed, 400);
      for (const key of ["ends", "finished", "again"] as const) sum[key] += counts[key];
    } catch (reason) {
      t.fail(`seed ${seed}: ${(reason as Error).stack}`);
      return;
    }
  }
  t.true(sum.ends > 1000 && sum.again > 500 && sum.finished > 20_000, JSON.stringify(sum));
});

test("places are given again, and calls that are too long are refused", (t) => {
  const owner = new BoardOwner(createBoard(4, 256));
  const places = [owner.reserve(9), owner.reserve(40), owner.reserve(33)];
  t.deepEqual(
    places.map((place) => BoardOwner.at(place)),
    [0, 16, 80],
  );
  t.is(owner.reserve(100), -1);
  const slots = places.map((place) => owner.show(place));
  t.is(owner.used, 3);
  owner.retire(slots[1]!);
  t.is(owner.reserve(64), places[1]!);
  t.is(owner.reserve(1 << 20), -1);
});
