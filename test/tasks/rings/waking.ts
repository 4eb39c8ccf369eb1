import { BoardTable } from "../../../src/tasks/host/board-table.js";
import { Outgoing } from "../../../src/tasks/host/outgoing.js";
import { Submissions } from "../../../src/tasks/owner/submissions.js";
import type { ClientReply, DownMessage } from "../../../src/tasks/protocol.js";
import { Bell } from "../../../src/tasks/rings/bell.js";
import { BoardClaimer, type BoardMemory, createBoard, lookAtBoard } from "../../../src/tasks/rings/board.js";
import { Permit } from "../../../src/tasks/rings/permit.js";
import { callWords, numberOf, resultKind, resultWords, writeResult } from "../../../src/tasks/rings/records.js";
import { RingWriter } from "../../../src/tasks/rings/ring.js";
import { check } from "../promises.js";
import { Interleaver, type Thread } from "./interleave.js";

/** What is played: the real code, or a copy with a bug in it. */
export interface WakingParts {
  readonly Submissions: typeof Submissions;
  readonly BoardTable: typeof BoardTable;
  readonly BoardClaimer: typeof BoardClaimer;
  readonly Bell: typeof Bell;
  readonly Permit: typeof Permit;
}

export interface WakingCounts {
  steps: number;
  ends: number;
  calls: number;
  cancels: number;
  revocations: number;
  /** Tasks that waited for an object and went on. */
  resumed: number;
  /** How often everything was stopped to see whether anybody was overlooked. */
  pauses: number;
}

const owner = 0;
const [sequence, sleeping] = [0, 1];

type NodeMessage =
  | { type: "parked"; worker: number; permit: number }
  | { type: "taken" }
  | { type: "died"; worker: number };

interface Call {
  readonly slot: number;
  readonly number: number;
}

/** A thread that sleeps and is rung, as `OwnBell` does it. */
class Sleeper {
  asleep = false;
  readonly words: Int32Array;

  constructor(words: SharedArrayBuffer) {
    this.words = new Int32Array(words);
  }

  /** Answers, and sleeps unless it was rung meanwhile. */
  answer(work: () => void): void {
    Atomics.store(this.words, sleeping, 0);
    const seen = Atomics.load(this.words, sequence);
    work();
    Atomics.store(this.words, sleeping, 1);
    // Nobody comes between this and falling asleep: so it is with Atomics.waitAsync, too.
    this.asleep = Atomics.load(this.words, sequence) === seen;
  }
}

/**
 * One owner with a small board, workers whose permits come and go, and the node: the real code of boards, rings, bells and
 * permits, with loops around it that do what the runners do. Some tasks wait for an object and go on later, and then keep
 * their thread for long. Whatever the order, and wherever workers are ended, each call has one result; and whenever
 * everything is stopped, no call is left that an idle worker could take. Throws otherwise.
 */
export function playWaking(
  seed: number,
  steps: number,
  parts: WakingParts = { Submissions, BoardTable, BoardClaimer, Bell, Permit },
): WakingCounts {
  const world = new Interleaver(seed, 150);
  const { random } = world;
  const outgoing = new Outgoing();
  const table = new parts.BoardTable(outgoing, () => {});
  const ownerWords = table.addClient(owner);
  const ownInbox: ClientReply[] = [];
  const nodeInbox: NodeMessage[] = [];
  const results = new Map<number, unknown>();
  const workers = new Map<number, Worker>();
  const counts: WakingCounts = { steps: 0, ends: 0, calls: 0, cancels: 0, revocations: 0, resumed: 0, pauses: 0 };
  /** What the owner does after a while. */
  const timers: (() => void)[] = [];
  /** In a pause nothing new begins, and tasks that go on keep their threads; at the end all that was begun ends. */
  let phase: "play" | "pause" | "end" = "play";
  /** The owner's thread computes, or waits in a way that blocks it: it reads and shows nothing. */
  let ownerBlocked = false;
  let lastWorker = 0;

  const settle = (number: number, outcome: unknown) => {
    check(!results.has(number), `call ${number} has two results`);
    results.set(number, outcome);
  };
  const submissions = new parts.Submissions(
    [{ name: "call", maxRetries: -1, retryExceptions: false }],
    {
      succeeded: (number, value) => {
        check(value === 2 * number, `call ${number} has a wrong result`);
        settle(number, value);
      },
      failed: ({ number }, failure) => settle(number, failure),
      deposited: () => check(false, "nothing is with the node"),
      bounced: () => check(false, "nothing bounces"),
      unanswered: () => {},
    },
    createBoard(16, 1 << 10),
  );

  class Worker implements Thread {
    mortal = true;
    readonly number: number;
    readonly inbox: DownMessage[] = [];
    readonly sleeper: Sleeper;
    state: "parked" | "permitted" | "revoked" = "parked";
    /** A task that keeps the thread. */
    goesOn: Call | undefined;
    readonly #permit: Permit;
    readonly #ownerBell = new parts.Bell(ownerWords);
    #board: BoardClaimer | undefined;
    #results: RingWriter | undefined;
    readonly #waiting: Call[] = [];
    #rests = true;
    #parked = 0;
    #again = false;

    constructor(number: number) {
      this.number = number;
      const words = table.addClient(number);
      this.sleeper = new Sleeper(words);
      this.#permit = new parts.Permit(words);
      outgoing.connect(number, (batch) => this.inbox.push(...batch));
      table.addClaimer(number);
    }

    step(): void {
      const message = this.inbox.shift();
      if (this.goesOn !== undefined) {
        if (message !== undefined) this.inbox.unshift(message);
        if (phase === "pause" || random.integer(4) > 0) return;
        this.#answer(this.goesOn);
        this.goesOn = undefined;
        this.#work();
      } else if (message?.type === "claim") {
        this.#board = new parts.BoardClaimer(message.memory, this.number);
        this.#results = new RingWriter(message.results);
        this.#work();
      } else if (phase !== "pause" && this.#waiting.length > 0 && random.integer(4) === 0)
        this.#resume(this.#waiting.shift()!);
      else if (this.#again) {
        this.#again = false;
        this.#work();
      } else if (!this.sleeper.asleep) this.sleeper.answer(() => this.#work());
    }

    ended(): void {
      nodeInbox.push({ type: "died", worker: this.number });
    }

    /** As `BoardRunner.occupy`. */
    #resume(call: Call): void {
      counts.resumed += 1;
      this.goesOn = call;
      let counted = this.#permit.quick;
      this.#permit.quick = false;
      if (this.#rests) counted = this.#permit.resume();
      this.#rests = false;
      if (counted && this.#someWait) nodeInbox.push({ type: "taken" });
    }

    /** As `BoardRunner.work`. */
    #work(): void {
      if (this.goesOn !== undefined) return;
      let more = false;
      this.#rests = false;
      if (this.#permit.begin()) {
        do {
          more = this.#bundle();
          if (more && random.integer(3) === 0) this.#again = true;
        } while (more && !this.#again && this.#permit.granted);
      }
      this.#say();
      if (more && this.#again && this.#permit.granted) return;
      this.#rests = true;
      const revoked = this.#permit.rest();
      if (revoked !== undefined) {
        if (revoked !== this.#parked) nodeInbox.push({ type: "parked", worker: this.number, permit: revoked });
        this.#parked = revoked;
      } else if (this.#permit.granted && this.#someWait) this.#again = true;
    }

    #bundle(): boolean {
      const board = this.#board;
      const taken: number[] = [];
      this.#permit.quick = random.integer(2) === 0;
      if (board === undefined || board.claim(1, taken) === 0) return false;
      check(this.state !== "parked", `worker ${this.number} takes calls though it parked`);
      if (random.integer(3) === 0) board.claim(2, taken);
      for (const slot of taken) {
        const call = { slot, number: numberOf(board.words, board.placeOf(slot)) };
        board.begin(slot);
        if (random.integer(4) === 0) this.#waiting.push(call);
        else this.#answer(call);
      }
      return true;
    }

    #answer({ slot, number }: Call): void {
      const ring = this.#results!;
      this.#board!.end(slot);
      const { words, at } = ring.reserve(resultWords(2 * number));
      writeResult(words, at, resultKind.value, number, slot, 2 * number);
    }

    #say(): void {
      if (this.#results?.publish()) this.#ownerBell.ring();
      if (this.#results?.waits) this.#again = true;
    }

    get #someWait(): boolean {
      return (this.#board?.waiting ?? 0) > 0;
    }
  }

  const hire = () => workers.set(++lastWorker, new Worker(lastWorker));
  const ownSleeper = new Sleeper(ownerWords);
  world.threads.push({
    mortal: false,
    step() {
      if (ownerBlocked) return;
      const message = ownInbox.shift();
      if (message?.type === "claimer") {
        submissions.meet(message.worker, message.results, message.words);
        submissions.pump();
      } else if (message?.type === "ended") submissions.ended(message.worker, message.reason, message.onPurpose);
      else if (phase === "play" && random.integer(3) === 0) {
        for (let left = 1 + random.integer(3); left > 0; left--) {
          counts.calls += 1;
          submissions.submit(callWords([counts.calls]), counts.calls, 0, 0, 0, [counts.calls]);
        }
        submissions.flush();
      } else if (phase === "play" && counts.calls > 0 && random.integer(12) === 0) {
        const before = results.size;
        submissions.cancel(1 + random.integer(counts.calls));
        counts.cancels += results.size - before;
      } else if (timers.length > 0 && random.integer(4) === 0) timers.shift()!();
      else if (!ownSleeper.asleep) ownSleeper.answer(() => submissions.pump());
    },
  });
  world.threads.push({
    mortal: false,
    step() {
      const message = nodeInbox.shift();
      if (message?.type === "died") {
        outgoing.disconnect(message.worker);
        table.remove(message.worker, "it was ended");
        workers.delete(message.worker);
        hire();
        world.threads.push(workers.get(lastWorker)!);
      } else if (message?.type === "taken") table.wakeIdle();
      else if (message?.type === "parked") {
        const worker = workers.get(message.worker);
        if (table.parked(message.worker, message.permit) && worker !== undefined) worker.state = "parked";
      } else if (phase !== "pause") {
        const all = [...workers.values()];
        const worker = all[random.integer(all.length)]!;
        if (worker.state === "parked") {
          worker.state = "permitted";
          table.permit(worker.number);
        } else if (phase === "play" && worker.state === "permitted" && random.integer(3) === 0) {
          counts.revocations += 1;
          worker.state = table.revoke(worker.number) ? "parked" : "revoked";
        }
      }
      outgoing.flush();
    },
  });
  world.notified = (words) => {
    for (const { sleeper } of [...workers.values(), { sleeper: ownSleeper }]) {
      if (sleeper.words.buffer === words.buffer) sleeper.asleep = false;
    }
  };
  outgoing.connect(owner, (batch) => ownInbox.push(...(batch as ClientReply[])));
  table.addBoard(owner, submissions.memory);
  for (let i = 0; i < 3; i++) hire();
  world.threads.push(...workers.values());

  const { setTimeout } = globalThis;
  const later = (work: () => void) => {
    timers.push(work);
    return { unref: () => timers };
  };
  const ready = ({ memory }: { memory: BoardMemory }) =>
    [...lookAtBoard(memory)].filter(({ worker }) => worker === undefined).length;
  globalThis.setTimeout = later as unknown as typeof setTimeout;
  try {
    for (let pause = 0; pause < steps / 40; pause++) {
      world.run(40);
      counts.pauses += 1;
      phase = "pause";
      // A worker that it was not introduced to it cannot wake.
      ownerBlocked = ownInbox.length === 0 && random.integer(2) === 0;
      world.settle(30);
      const idle = [...workers.values()].filter(({ state, goesOn }) => state === "permitted" && goesOn === undefined);
      const waiting = ready(submissions);
      check(
        waiting === 0 || idle.length === 0,
        `${waiting} calls wait though worker ${idle[0]?.number} has nothing to do`,
      );
      phase = "play";
      ownerBlocked = false;
    }
    phase = "end";
    for (let round = 0; round < 100 && submissions.size > 0; round++) world.settle(10);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  check(results.size === counts.calls, `${counts.calls - results.size} of ${counts.calls} calls have no result`);
  check(submissions.size === 0 && submissions.words === 0, "calls are left in shared memory");
  counts.steps = world.steps;
  counts.ends = world.ends;
  return counts;
}
