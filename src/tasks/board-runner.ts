import type { TaskClient } from "./client.js";
import { type RunningTask, runAs } from "./context.js";
import { taskFailure } from "./failure.js";
import { JournalWriter } from "./journal.js";
import type { Outbox } from "./outbox.js";
import { isThenable, packOutcome } from "./outcome.js";
import type { Outcome, WorkerCommand, WorkerMessage } from "./protocol.js";
import { Bell } from "./rings/bell.js";
import { BoardClaimer } from "./rings/board.js";
import { packFailure } from "./rings/failures.js";
import { Permit } from "./rings/permit.js";
import { calleeOf, numberOf, readArguments, resultKind, resultWords, writeResult } from "./rings/records.js";
import { RingWriter } from "./rings/ring.js";
import { fitsWords, WordReader } from "./rings/words.js";
import type { Loaded } from "./runner.js";
import type { ClientId, CodeId, TaskId, WorkerId } from "./scheduler/events.js";

export interface BoardRunnerOptions {
  readonly worker: WorkerId;
  /** This thread's words. */
  readonly words: SharedArrayBuffer;
  readonly outbox: Outbox<WorkerMessage>;
  readonly client: TaskClient;
  /** Makes shipped code callable; the definition came before. */
  load(code: CodeId): Promise<Loaded>;
}

/** A function as one owner's calls name it, and how long it takes here. */
class Callee {
  name = "A task";
  readonly loading: Promise<Loaded>;
  loaded: Loaded | undefined;
  /** Moving average of its milliseconds; undefined before it ran, and for functions that await. */
  milliseconds: number | undefined;
  awaits = false;

  constructor(loading: Promise<Loaded>) {
    this.loading = loading;
    loading.then(
      (loaded) => {
        this.loaded = loaded;
      },
      () => {},
    );
  }

  /** How many of its calls are about as much work as should be taken at once. */
  get bundle(): number {
    if (this.milliseconds === undefined || this.awaits) return 1;
    return Math.max(1, Math.min(bundleCalls, Math.floor(bundleMilliseconds / this.milliseconds)));
  }

  took(milliseconds: number): void {
    this.milliseconds = this.milliseconds === undefined ? milliseconds : 0.8 * this.milliseconds + 0.2 * milliseconds;
  }
}

/** An owner whose board this thread claims from. */
interface Owner {
  readonly id: ClientId;
  readonly board: BoardClaimer;
  readonly results: RingWriter;
  readonly bell: Bell;
  readonly callees: (Callee | undefined)[];
}

/** Calls are taken in bundles of about this much work. */
const bundleMilliseconds = 0.05;
const bundleCalls = 256;
/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;

/**
 * Runs calls from boards, in a CPU worker that has a permit. A bundle is claimed, run and answered before the next one is
 * claimed, so that nothing waits behind a long call that could run elsewhere. While a task awaits `get` or `wait` the thread
 * goes on with others; while it awaits anything else, the thread is taken.
 */
export class BoardRunner {
  readonly #options: BoardRunnerOptions;
  readonly #permit: Permit;
  readonly #owners = new Map<ClientId, Owner>();
  readonly #journal: JournalWriter;
  readonly #reader = new WordReader();
  readonly #learning = new Map<string, (code: CodeId, name: string) => void>();
  readonly #taken: number[] = [];
  readonly #unsaid = new Set<Owner>();
  #order: Owner[] = [];
  #next = 0;
  /** Tasks that neither ended nor wait for an object. */
  #active = 0;
  #working = false;

  constructor(options: BoardRunnerOptions) {
    this.#options = options;
    this.#permit = new Permit(options.words);
    this.#journal = new JournalWriter((chunk) => options.outbox.push({ type: "journal", chunk }));
    options.outbox.push({ type: "journal", chunk: this.#journal.chunk });
    options.client.onRing(() => this.work());
  }

  receive(command: WorkerCommand & { type: "claim" | "disclaim" | "callee" }): void {
    if (command.type === "claim") {
      const { owner: id, memory, results, words } = command;
      this.#owners.set(id, {
        id,
        board: new BoardClaimer(memory, this.#options.worker),
        results: new RingWriter(results),
        bell: new Bell(words),
        callees: [],
      });
      this.#order = [...this.#owners.values()];
      this.work();
    } else if (command.type === "disclaim") {
      this.#owners.delete(command.owner);
      this.#order = [...this.#owners.values()];
    } else {
      const key = `${command.owner}:${command.callee}`;
      this.#learning.get(key)?.(command.code, command.name);
      this.#learning.delete(key);
    }
  }

  /** Takes calls and runs them until there are none, or it may not, or the thread is taken. */
  work(): void {
    if (this.#working || this.#active > 0) return;
    this.#working = true;
    const until = performance.now() + turnMilliseconds;
    let more = false;
    if (this.#permit.begin()) {
      do {
        more = this.#bundle();
        if (more && performance.now() > until) {
          setImmediate(() => this.work());
          break;
        }
      } while (more && this.#active === 0 && this.#permit.granted);
    }
    this.#working = false;
    this.#say();
    if (this.#active > 0) return;
    const revoked = this.#permit.granted && more ? undefined : this.#permit.rest();
    if (revoked !== undefined) this.#options.outbox.push({ type: "parked", permit: revoked });
  }

  /** Claims from the next owner that has something and runs it; returns whether there was something. */
  #bundle(): boolean {
    const order = this.#order;
    const taken = this.#taken;
    for (let i = 0; i < order.length; i++) {
      const owner = order[this.#next % order.length]!;
      this.#next = (this.#next + 1) % order.length;
      if (owner.board.claim(1, taken) === 0) continue;
      const { board } = owner;
      const callee = owner.callees[calleeOf(board.words, board.placeOf(taken[0]!))];
      const most = callee?.bundle ?? 1;
      if (most > 1) owner.board.claim(most - 1, taken);
      this.#runAll(owner);
      return true;
    }
    return false;
  }

  #runAll(owner: Owner): void {
    const taken = this.#taken;
    const count = taken.length;
    const began = Date.now();
    const start = performance.now();
    let callee: Callee | undefined;
    let alike = true;
    for (let i = 0; i < count; i++) {
      const ran = this.#start(owner, taken[i]!, began);
      if (i > 0 && ran !== callee) alike = false;
      callee = ran;
    }
    taken.length = 0;
    const each = (performance.now() - start) / count;
    this.#journal.ended(began, each);
    if (alike && callee !== undefined) callee.took(each);
    this.#say();
  }

  /** Runs a call; returns its callee when it ended before this returns. */
  #start(owner: Owner, slot: number, began: number): Callee | undefined {
    const { board } = owner;
    const at = board.placeOf(slot);
    const position = calleeOf(board.words, at);
    let callee = owner.callees[position];
    if (callee === undefined) {
      callee = this.#learn(owner, position);
      owner.callees[position] = callee;
    }
    board.begin(slot);
    const task = new BoardTask(this, owner, slot, numberOf(board.words, at), callee, began);
    const { loaded } = callee;
    if (loaded === undefined) {
      this.#later(
        task,
        callee.loading.then((loaded) => this.#call(task, loaded)),
      );
      return undefined;
    }
    let result: unknown;
    try {
      result = this.#call(task, loaded);
    } catch (reason) {
      this.#end(task, { failure: taskFailure(callee.name, reason) });
      return callee;
    }
    if (isThenable(result)) {
      callee.awaits = true;
      this.#later(task, result);
      return undefined;
    }
    this.#succeed(task, result);
    return callee;
  }

  #call(task: BoardTask, loaded: Loaded): unknown {
    const { board } = task.owner;
    const { client } = this.#options;
    const args: unknown[] = readArguments(this.#reader, board.words, board.placeOf(task.slot));
    for (let i = 0; i < args.length; i++) args[i] = client.unpack(args[i] as never);
    return runAs(task, () => loaded(...args));
  }

  #later(task: BoardTask, promise: PromiseLike<unknown>): void {
    task.isAsync = true;
    if (!task.waits) this.#engage(task);
    promise
      .then(
        (result) => this.#succeed(task, result),
        (reason) => this.#end(task, { failure: taskFailure(task.name, reason) }),
      )
      .then(() => {
        this.work();
        this.#say();
      });
  }

  #succeed(task: BoardTask, result: unknown): void {
    this.#end(task, packOutcome(result, task.name, this.#options.client));
  }

  #end(task: BoardTask, outcome: Outcome): void {
    this.#disengage(task);
    task.done = true;
    const { owner, slot, number } = task;
    const { outbox } = this.#options;
    const { board, results } = owner;
    const failed = "failure" in outcome;
    this.#journal.add(board.words, board.placeOf(slot), owner.id, failed);
    if (task.isAsync) this.#journal.ended(task.began, Date.now() - task.began);
    if (failed) {
      const { code, message } = outcome.failure;
      outbox.push({ type: "fault", task: task.task, error: `${code}: ${message}` });
    }
    const value = failed ? packFailure(outcome.failure) : outcome.value;
    const length = fitsWords(value) ? resultWords(value) : Number.POSITIVE_INFINITY;
    if (length > results.limit) {
      outbox.push({ type: "deposit", task: task.task, name: task.name, outcome });
      const { words, at } = results.reserve(resultWords(undefined));
      writeResult(words, at, resultKind.atNode, number, slot, undefined);
    } else {
      const { words, at } = results.reserve(length);
      writeResult(words, at, failed ? resultKind.failure : resultKind.value, number, slot, value);
    }
    this.#unsaid.add(owner);
  }

  /** Shows owners their results, after the messages that these rely on. */
  #say(): void {
    if (this.#unsaid.size === 0) return;
    this.#options.outbox.flush();
    for (const owner of this.#unsaid) {
      if (owner.results.publish()) owner.bell.ring();
      if (!owner.results.waits) this.#unsaid.delete(owner);
    }
    // A ring that is full is tried again soon; nothing else depends on it.
    if (this.#unsaid.size > 0) setImmediate(() => this.#say());
  }

  /** The task waits for an object: others may run. */
  blocked(task: BoardTask): void {
    this.#disengage(task);
    queueMicrotask(() => this.work());
  }

  resumed(task: BoardTask): void {
    if (task.isAsync) this.#engage(task);
  }

  /** The thread is taken by what `task` awaits. */
  #engage(task: BoardTask): void {
    if (task.engages) return;
    task.engages = true;
    this.#active += 1;
  }

  #disengage(task: BoardTask): void {
    if (!task.engages) return;
    task.engages = false;
    this.#active -= 1;
  }

  #learn(owner: Owner, callee: number): Callee {
    const loading = new Promise<{ code: CodeId; name: string }>((resolve) => {
      this.#learning.set(`${owner.id}:${callee}`, (code, name) => resolve({ code, name }));
    });
    this.#options.outbox.push({ type: "learn", owner: owner.id, callee });
    const learned: Callee = new Callee(
      loading.then(({ code, name }) => {
        learned.name = name;
        return this.#options.load(code);
      }),
    );
    return learned;
  }
}

/** A call that is running. */
class BoardTask implements RunningTask {
  readonly owner: Owner;
  readonly slot: number;
  readonly number: number;
  readonly callee: Callee;
  readonly began: number;
  readonly gpuIds: readonly number[] = [];
  /** Whether it went on after its call returned, and whether the thread is taken by it then. */
  isAsync = false;
  engages = false;
  done = false;
  #waits = 0;
  readonly #runner: BoardRunner;

  constructor(runner: BoardRunner, owner: Owner, slot: number, number: number, callee: Callee, began: number) {
    this.#runner = runner;
    this.owner = owner;
    this.slot = slot;
    this.number = number;
    this.callee = callee;
    this.began = began;
  }

  get task(): TaskId {
    return this.owner.id * 2 ** 32 + this.number;
  }

  get name(): string {
    return this.callee.name;
  }

  /** Whether it waits for an object. */
  get waits(): boolean {
    return this.#waits > 0;
  }

  blocked(): void {
    if (this.#waits++ === 0 && !this.done) this.#runner.blocked(this);
  }

  resumed(): void {
    if (--this.#waits === 0 && !this.done) this.#runner.resumed(this);
  }
}
