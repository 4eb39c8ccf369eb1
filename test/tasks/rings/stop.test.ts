import test from "ava";
import { Bell, createThreadWords, OwnBell } from "../../../src/tasks/rings/bell.js";
import { createRing, RingReader, RingWriter } from "../../../src/tasks/rings/ring.js";
import { Interleaver } from "./interleave.js";

/**
 * One thread that stops until records have come, and others that write and ring, some of them only as the node does after it
 * posted a message. It runs the real code; `Atomics.wait` lets the others take steps until it would have been woken, and
 * says so when nobody would ever do that.
 */
function play(seed: number): number {
  const world = new Interleaver(seed, 1_000_000);
  const { random } = world;
  const words = createThreadWords();
  const bell = new Bell(words);
  const own = new OwnBell(words, () => {});
  const readers: RingReader[] = [];
  const posted: number[] = [];
  let written = 0;
  let seen = 0;
  let waits = 0;
  const total = 60;
  /** What the stopped thread waits for: no more is written, so that one wake-up that is missed is one too many. */
  let wanted = 0;

  for (let i = 0; i < 2; i++) {
    const ring = createRing(64);
    readers.push(new RingReader(ring));
    const writer = new RingWriter(ring);
    // What was shown and what is rung for are two steps, so that everything may happen between them.
    let rings = false;
    world.threads.push({
      mortal: false,
      step() {
        if (rings) {
          rings = false;
          bell.ring();
          return;
        }
        if (written < wanted) {
          written += 1;
          const { words, at } = writer.reserve(2);
          words[at + 1] = written;
        }
        rings = writer.publish();
      },
    });
  }
  let looks = false;
  world.threads.push({
    mortal: false,
    step() {
      if (looks) {
        looks = false;
        bell.ringIfStopped();
      } else if (written < wanted) {
        written += 1;
        posted.push(written);
        looks = true;
      }
    },
  });

  const original = Atomics.wait;
  let notified = false;
  const notify = Atomics.notify;
  (Atomics as { notify: unknown }).notify = () => {
    notified = true;
    return 1;
  };
  (Atomics as { wait: unknown }).wait = (view: Int32Array, index: number, value: number) => {
    waits += 1;
    notified = false;
    // As the system does it: the value is compared and the thread asleep in one step.
    if (view[index] !== value) return "not-equal";
    for (let i = 0; i < 1_000; i++) {
      world.step();
      if (notified) return "ok";
    }
    throw new Error(`seed ${seed}: it sleeps for ever, with ${seen} of ${written} read`);
  };
  try {
    let isDone = false;
    world.threads.push({
      mortal: false,
      step() {
        // Threads in the middle of a step cannot go on while this one sleeps on top of them.
        if (isDone || world.depth > 1) return;
        wanted = Math.min(total, seen + 1 + random.integer(5));
        own.stop(() => {
          posted.splice(0).forEach(() => {
            seen += 1;
          });
          for (const reader of readers) {
            for (let at = reader.peek(); at >= 0; at = reader.peek()) {
              seen += 1;
              reader.advance(at);
            }
            reader.release();
          }
          return seen >= wanted;
        }, Number.POSITIVE_INFINITY);
        isDone = seen === total;
      },
    });
    for (let i = 0; i < 1_000 && !isDone; i++) world.run(20);
    if (!isDone) throw new Error(`seed ${seed}: ${seen} of ${total} were read`);
  } finally {
    (Atomics as { wait: unknown }).wait = original;
    (Atomics as { notify: unknown }).notify = notify;
  }
  return waits;
}

test("a thread that stops is woken by rings and by messages, in whatever order things happen", (t) => {
  let waits = 0;
  for (let seed = 0; seed < 1_000; seed++) waits += play(seed);
  t.true(waits > 500, `it slept ${waits} times`);
});
