import test from "ava";
import { CallerLines } from "../../../src/tasks/caller-lines.js";
import type { TaskClient } from "../../../src/tasks/client.js";
import { Outbox } from "../../../src/tasks/outbox.js";
import type { WorkerCommand, WorkerMessage } from "../../../src/tasks/protocol.js";
import { createThreadWords } from "../../../src/tasks/rings/bell.js";
import { callWords, setSequence, writeCall } from "../../../src/tasks/rings/records.js";
import { createRing, RingWriter } from "../../../src/tasks/rings/ring.js";
import type { Loaded } from "../../../src/tasks/runner.js";
import { SharedHost } from "../../../src/tasks/shared-host.js";

/** A caller's end of a ring for calls. */
class Caller {
  readonly rings = { calls: createRing(1 << 14), results: createRing(1 << 10), words: createThreadWords() };
  readonly #calls = new RingWriter(this.rings.calls);
  #number = 0;

  /** Says what a callee's number means. */
  tell(callee: number, ...meaning: (string | number)[]): void {
    this.#write(-1, callee, -1, meaning);
  }

  call(callee: number, sequence: number): void {
    this.#write(++this.#number, callee, sequence, []);
  }

  #write(number: number, callee: number, sequence: number, args: (string | number)[]): void {
    const length = callWords(args);
    const { words, at } = this.#calls.reserve(length);
    writeCall(words, at, length, number, callee, 0, 0, args);
    setSequence(words, at, sequence);
    this.#calls.publish();
  }
}

const messages = (): Outbox<WorkerMessage> => new Outbox<WorkerMessage>(() => {});

test("a caller that always has calls does not keep out the others", (t) => {
  const lines = new CallerLines(messages());
  const [first, second] = [new Caller(), new Caller()];
  for (const [i, caller] of [first, second].entries()) {
    lines.add({ type: "caller", caller: i + 1, actor: 9, rings: caller.rings, begun: undefined });
    caller.tell(0, "run", "Actor.run", 0);
  }
  let sequence = 0;
  for (; sequence < 400; sequence++) first.call(0, sequence);
  second.call(0, 0);
  const order: number[] = [];
  for (let i = 0; i < 1_000; i++) {
    order.push(Math.floor(lines.take()!.task / 2 ** 32));
    first.call(0, sequence++);
  }
  t.is(order.filter((caller) => caller === 2).length, 1);
  t.is(order.filter((caller) => caller === 1).length, 999);
});

test("a call of an actor that may be made anew begins only where that can be noted", async (t) => {
  let ran = 0;
  class Actor {
    run(): void {
      ran += 1;
    }
  }
  let ring = (): void => {};
  const client = { onRing: (work: () => void) => (ring = work) } as unknown as TaskClient;
  const outbox = messages();
  const load = (): Loaded => Actor as unknown as Loaded;
  const host = new SharedHost({ outbox, client, load }, load);
  const construct: Omit<WorkerCommand & { type: "construct" }, "actor"> = {
    type: "construct",
    code: 1,
    className: "Actor",
    args: [],
    demand: { cpus: 0, gpus: 0 },
    gpuIds: [],
    limits: [1],
    maxRestarts: 1,
    shared: true,
    life: 0,
  };
  for (const actor of [8, 9]) host.admit({ ...construct, actor });
  const caller = new Caller();
  const note = (): SharedArrayBuffer => new SharedArrayBuffer(4);
  host.receive({ type: "caller", caller: 1, actor: 8, rings: caller.rings, begun: note() });
  caller.tell(0, "run", "Actor.run", 0, 8, 0);
  caller.call(0, 0);
  ring();
  t.is(ran, 1);
  // The message about the second actor is still under way.
  caller.tell(1, "run", "Actor.run", 0, 9, 0);
  caller.call(1, 0);
  caller.call(0, 1);
  ring();
  t.is(ran, 1);
  const begun = note();
  host.receive({ type: "caller", caller: 1, actor: 9, rings: undefined, begun });
  // Where this thread was held up meanwhile, the host goes on in its next turn.
  while (ran < 3) await new Promise((resolve) => setImmediate(resolve));
  t.is(ran, 3);
  t.is(new Int32Array(begun)[0], 1);
});
