import { RayflightError } from "../error.js";
import type { StoredValue } from "../store/value.js";
import { Answers, type Asker } from "./answers.js";
import { Callee } from "./callee.js";
import { Cancellable } from "./cancellable.js";
import type { TaskClient } from "./client.js";
import { wallTime } from "./clock.js";
import { type RunningTask, runAll, runAs, runningTask, type TaskSeat } from "./context.js";
import { describeThrown, type Failure, taskFailure, toError } from "./failure.js";
import { stopped } from "./host/reasons.js";
import type { CallFacts } from "./journal.js";
import { type LocalCall, LocalCalls } from "./local-calls.js";
import type { Outbox } from "./outbox.js";
import { isThenable, packOutcome } from "./outcome.js";
import type { OwnCalls } from "./owner/own-calls.js";
import type { Outcome, WorkerCommand, WorkerMessage } from "./protocol.js";
import { RecentResults } from "./recent-results.js";
import { BeganWord } from "./rings/began.js";
import { Bell } from "./rings/bell.js";
import { BoardClaimer } from "./rings/board.js";
import { Permit } from "./rings/permit.js";
import { calleeOf, numberOf, readFacts, readResolved, resultKind } from "./rings/records.js";
import { RingWriter } from "./rings/ring.js";
import { fitsWords, type ResolvedArgument, StoredAt, WordReader } from "./rings/words.js";
import type { Loaded } from "./runner.js";
import type { ClientId, CodeId, TaskId, WorkerId } from "./scheduler/events.js";
import { type Demand, unit } from "./scheduler/resources.js";
import { underWay } from "./under-way.js";

export interface BoardRunnerOptions {
  readonly worker: WorkerId;
  /** This thread's words. */
  readonly words: SharedArrayBuffer;
  readonly outbox: Outbox<WorkerMessage>;
  readonly client: TaskClient;
  /** Makes shipped code callable; the definition came before. */
  load(code: CodeId): Promise<Loaded>;
  /** The code, if it is ready to be called. */
  loadedOf(code: CodeId): Loaded | undefined;
  /** Called when a task stops this thread, and when it goes on. */
  onStop(): void;
  onGo(): void;
}

/** What a callee is, as the node tells it. */
interface Lesson {
  readonly code: CodeId;
  readonly name: string;
}

/** An owner whose board this thread claims from. */
class Owner implements Asker {
  readonly id: ClientId;
  readonly board: BoardClaimer;
  readonly results: RingWriter;
  readonly bell: Bell;
  readonly callees: (Callee | undefined)[];
  /** Arguments of its next calls, where they are on their way here before it has them. */
  readonly recent: RecentResults | undefined;
  hasEnded = false;
  /** Those that the node was asked for. */
  readonly #learning = new Map<number, { learned(lesson: Lesson): void; failed(reason: RayflightError): void }>();

  constructor(
    { owner, memory, results, words, chains }: WorkerCommand & { type: "claim" },
    worker: WorkerId,
    callees: (Callee | undefined)[],
  ) {
    this.id = owner;
    this.board = new BoardClaimer(memory, worker);
    this.results = new RingWriter(results);
    this.bell = new Bell(words);
    this.recent = chains ? new RecentResults() : undefined;
    this.callees = callees;
  }

  show(): boolean {
    return this.results.publish();
  }

  /** Waits for what the node knows of a callee; fails when this owner's thread ends before it could tell the node. */
  learn(callee: number): Promise<Lesson> {
    if (this.hasEnded) return Promise.reject(ownerEnded());
    return new Promise((learned, failed) => this.#learning.set(callee, { learned, failed }));
  }

  teach(callee: number, lesson: Lesson): void {
    this.#learning.get(callee)?.learned(lesson);
    this.#learning.delete(callee);
  }

  /** Its thread has ended. */
  end(): void {
    this.hasEnded = true;
    for (const { failed } of this.#learning.values()) failed(ownerEnded());
    this.#learning.clear();
  }
}

function ownerEnded(): RayflightError {
  return new RayflightError("OBJECT_LOST", "The thread that submitted it has ended.", { hint: "Submit it again." });
}

/** How many calls may run on top of each other, each waited for by the one below. */
const hereLimit = 100;

/** What every call from a board holds. */
const oneCpu: Demand = { cpus: unit, gpus: 0 };
/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;
/** So long the thread waits for arguments. */
const fetchMilliseconds = 5;

/**
 * Runs calls in a CPU worker that has a permit: first those that its own tasks submitted and that it kept, newest first,
 * then calls from boards, oldest first. A bundle from a board is claimed, run and answered before the next one is claimed,
 * so that nothing waits behind a long call that could run elsewhere. While a task awaits `get` or `wait` the thread goes on
 * with others; while it awaits anything else, the thread is taken.
 */
export class BoardRunner {
  readonly #options: BoardRunnerOptions;
  /** What this thread's own tasks submit. */
  readonly #calls: OwnCalls;
  readonly #permit: Permit;
  readonly #owners = new Map<ClientId, Owner>();
  readonly #answers: Answers;
  readonly #reader = new WordReader();
  readonly #began: BeganWord;
  /** The slots that were claimed last, whose they are, and which of them is the first that did not begin. */
  readonly #taken: number[] = [];
  #takenFrom: Owner | undefined;
  #untouched = 0;
  /** This thread's own functions, as its calls name them. */
  readonly #own: (Callee | undefined)[] = [];
  #here = 0;
  /** How many tasks stand still on top of each other, and which of them are from boards or were kept. */
  #stops = 0;
  readonly #standing = new Set<Running>();
  /** Calls that went on after they returned. */
  readonly #awaiting = new Set<Running>();
  readonly #local: LocalCalls;
  #order: Owner[] = [];
  #next = 0;
  /** Tasks that neither ended nor wait for an object. */
  #active = 0;
  /** How many calls wait for arguments that do not come at once: until then nothing new is begun, as it might want some, too. */
  #fetching = 0;
  #working = false;
  /** Whether it said that it idles. */
  #rests = true;
  /** The last revoked permit that the node was told of. */
  #parked = 0;

  constructor(options: BoardRunnerOptions) {
    this.#options = options;
    this.#calls = options.client.calls!;
    this.#permit = new Permit(options.words);
    this.#began = new BeganWord(options.words);
    this.#answers = new Answers(options.outbox);
    this.#local = new LocalCalls(
      (callee) => this.#ownCallee(callee),
      this.#calls,
      () => this.#consider(),
    );
    options.client.keepCalls(this.#local, {
      run: (number) => this.#runHere(number),
      cancel: (task, recursive) => this.cancel(task, recursive),
      cancelChildren: (parent) =>
        this.#cancelWhere(({ owner, call }) => owner === undefined && call.parent === parent, true),
    });
    options.client.onRing(() => this.work());
  }

  get worker(): WorkerId {
    return this.#options.worker;
  }

  receive(command: WorkerCommand & { type: "claim" | "disclaim" | "callee" }): void {
    if (command.type === "claim") {
      const { worker } = this.#options;
      const { owner } = command;
      this.#owners.set(owner, new Owner(command, worker, owner === worker ? this.#own : []));
      this.#order = [...this.#owners.values()];
      this.work();
    } else if (command.type === "disclaim") {
      this.#owners.get(command.owner)?.end();
      this.#owners.delete(command.owner);
      this.#order = [...this.#owners.values()];
    } else this.#owners.get(command.owner)?.teach(command.callee, command);
  }

  /** Runs calls until there are none, or it may not, or the thread is taken. */
  work(): void {
    if (this.#working || this.#active > 0 || this.#stops > 0) return;
    this.#working = true;
    const { client } = this.#options;
    const until = performance.now() + turnMilliseconds;
    const { answered } = client;
    let more = false;
    this.#rests = false;
    if (this.#fetching === 0 && this.#permit.begin()) {
      do {
        more = this.#runLocal() || this.#runBundle();
        if (this.#permit.isTurn && (!more || this.#permit.isOver)) {
          this.#permit.give();
          break;
        }
        if (!more || this.#active > 0) break;
        // Tasks of this thread have what they wait for: they come before others.
        if (client.answered !== answered) queueMicrotask(() => this.work());
        else if (performance.now() > until) setImmediate(() => this.work());
        else continue;
        break;
      } while (this.#permit.granted);
    }
    this.#working = false;
    this.#answers.say();
    if (more && this.#active === 0 && this.#permit.granted) return;
    this.#local.giveAway();
    if (this.#active > 0) return;
    this.#rests = true;
    const revoked = this.#permit.rest();
    if (revoked !== undefined) {
      if (revoked === this.#parked) return;
      this.#parked = revoked;
      this.#options.outbox.push({ type: "parked", permit: revoked });
    } else if (this.#fetching === 0 && this.#permit.granted && this.#someWait) {
      // An owner that saw this thread busy did not wake it.
      setImmediate(() => this.work());
    }
  }

  /** Calls were kept in this turn: runs them, or gives them to others where the thread is taken. */
  #consider(): void {
    if (this.#active > 0) this.#local.giveAway();
    else this.work();
  }

  /** Runs some of the calls that this thread kept; returns whether there were any. */
  #runLocal(): boolean {
    const local = this.#local;
    let call = local.pop();
    if (call === undefined) return false;
    const { callee } = call;
    const most = callee.bundle;
    this.#permit.quick = most > 1;
    const began = this.#begins();
    let count = 0;
    const seat: TaskSeat = { task: undefined };
    runAll(seat, () => {
      while (call !== undefined) {
        count += 1;
        const task = new Running(this, undefined, -1, call, call.callee, began);
        seat.task = task;
        if (this.#run(task, call.callee.loaded!, call.args) || count >= most) return;
        // A call of something else is a bundle of its own.
        call = local.top?.callee === callee ? local.pop() : undefined;
      }
    });
    this.#account(callee, count, began);
    local.share();
    return true;
  }

  /** Claims from the next owner that has something and runs it; returns whether there was something. */
  #runBundle(): boolean {
    const order = this.#order;
    const taken = this.#taken;
    for (let i = 0; i < order.length; i++) {
      const owner = order[this.#next % order.length]!;
      this.#next = (this.#next + 1) % order.length;
      const { board } = owner;
      if (board.claim(1, taken) === 0) continue;
      const most = this.#calleeOf(owner, taken[0]!).bundle;
      if (most > 1) board.claim(most - 1, taken);
      this.#takenFrom = owner;
      for (let from = 0; from < taken.length; ) from = this.#runTaken(owner, from);
      taken.length = 0;
      return true;
    }
    return false;
  }

  /** Runs claimed calls from position `from` until one awaits or another function is called; returns where it stopped. */
  #runTaken(owner: Owner, from: number): number {
    const taken = this.#taken;
    const callee = this.#calleeOf(owner, taken[from]!);
    this.#permit.quick = callee.bundle > 1;
    const began = this.#begins();
    const seat: TaskSeat = { task: undefined };
    let next = from;
    let ran = 0;
    runAll(seat, () => {
      while (next < taken.length) {
        const slot = taken[next]!;
        if (this.#calleeOf(owner, slot) !== callee) return;
        next += 1;
        this.#untouched = next;
        const { board, recent } = owner;
        const args = readResolved(this.#reader, board.words, board.placeOf(slot), recent);
        const call = readFacts(owner.board.words, owner.board.placeOf(slot));
        if (args === undefined) {
          // To its owner, who has the arguments or will have them.
          this.#giveBack(owner, slot, resultKind.bounced);
          continue;
        }
        ran += 1;
        const task = new Running(this, owner, slot, call, callee, began);
        seat.task = task;
        board.begin(slot);
        const { loaded } = callee;
        if (loaded === undefined) {
          this.#later(
            task,
            callee.loading.then((loaded) => {
              const values = this.#unpack(args);
              return values === undefined ? this.#fetch(task, args, loaded) : loaded(...values);
            }),
          );
          return;
        }
        if (this.#run(task, loaded, args)) return;
      }
    });
    if (callee.loaded !== undefined && ran > 0) {
      this.#account(callee, ran, began);
      this.#report(owner, callee);
    }
    this.#answers.say();
    return next;
  }

  /**
   * Runs a call of this thread that nobody has taken, on top of the task that waits for it; returns whether it did. An
   * asynchronous one would not get on while this thread waits: it is for others.
   */
  #runHere(number: number): boolean {
    const { client } = this.#options;
    this.#local.share();
    const kept = this.#local.withdraw(number);
    const mayRun = (callee: Callee | undefined) =>
      callee?.loaded !== undefined && !callee.isAsync && this.#here < hereLimit;
    if (kept !== undefined && !mayRun(kept.callee)) {
      this.#calls.putUp(kept);
      return false;
    }
    const taken = kept ?? this.#calls.takeBack(number, (callee) => mayRun(this.#ownCallee(callee)));
    if (taken === undefined) return false;
    const callee = this.#ownCallee(taken.calleeNumber)!;
    const call: LocalCall = { ...taken, callee };
    // What has to be fetched first does not come while this thread waits.
    if (call.args.some((argument) => argument instanceof StoredAt && client.find(argument.object) === undefined)) {
      this.#calls.putUp(call);
      return false;
    }
    const below = runningTask();
    const began = this.#begins();
    // Calls that ran before the one below, in the same bundle, took until now.
    if (below instanceof Running) this.#answers.journal.endedBy(below.began, began);
    const task = new Running(this, undefined, -1, call, callee, began);
    this.#here += 1;
    try {
      if (runAs(task, () => this.#run(task, callee.loaded!, call.args))) throw unfinished(callee.name);
    } finally {
      this.#here -= 1;
    }
    this.#account(callee, 1, began);
    return true;
  }

  standStill(task: Running): void {
    this.#standing.add(task);
    this.stopped(task.task);
  }

  goOn(task: Running): void {
    this.#standing.delete(task);
    this.wentOn(task.task);
  }

  /** The thread stands still: what others can run is theirs. */
  stopped(task: TaskId): void {
    this.#stops += 1;
    this.#permit.quick = false;
    for (let i = this.#untouched; i < this.#taken.length; i++)
      this.#giveBack(this.#takenFrom!, this.#taken[i]!, resultKind.returned);
    this.#taken.length = Math.min(this.#taken.length, this.#untouched);
    this.#answers.say();
    this.#local.giveAway();
    this.#calls.flush();
    this.#options.onStop();
    this.#options.outbox.push({ type: "stopped", task });
    this.#options.outbox.flush();
  }

  wentOn(task: TaskId): void {
    this.#stops -= 1;
    this.#options.onGo();
    this.#options.outbox.push({ type: "wentOn", task });
  }

  /** Runs a call; returns whether it goes on after this returns. */
  #run(task: Running, loaded: Loaded, args: readonly ResolvedArgument[]): boolean {
    let result: unknown;
    try {
      const values = this.#unpack(args);
      if (values === undefined) {
        this.#later(task, this.#fetch(task, args, loaded));
        return true;
      }
      result = loaded(...values);
    } catch (reason) {
      this.#end(task, { failure: taskFailure(task.name, reason) });
      return false;
    }
    if (!isThenable(result)) {
      this.#end(task, packOutcome(result, task, this.#options.client));
      return false;
    }
    task.callee.awaits = true;
    this.#later(task, result);
    return true;
  }

  #later(task: Running, promise: PromiseLike<unknown>): void {
    task.isAsync = true;
    this.#awaiting.add(task);
    underWay.add(task);
    this.#options.client.awaiting.add(task.task);
    if (!task.waits) this.#engage(task);
    promise
      .then(
        (result) => this.#end(task, packOutcome(result, task, this.#options.client)),
        (reason) => {
          const failure = reason instanceof MissingArgument ? reason.failure : taskFailure(task.name, reason);
          this.#end(task, { failure });
        },
      )
      .then(() => {
        this.work();
        this.#answers.say();
      });
  }

  #end(task: Running, outcome: Outcome): void {
    // It may have been cancelled meanwhile.
    if (task.done) return;
    if (task.isAsync) {
      this.#awaiting.delete(task);
      underWay.delete(task);
    }
    this.#disengage(task);
    task.done = true;
    const { outbox, worker } = this.#options;
    const { owner, slot, call } = task;
    const { name } = task;
    owner?.board.end(slot);
    if (task.isAsync) this.#options.client.awaiting.delete(task.task);
    this.#answers.note(call, owner?.id ?? worker, outcome, task.began);
    if (task.isAsync) this.#answers.journal.ended(task.began, wallTime() - task.began);
    const failed = "failure" in outcome;
    if (owner !== undefined) {
      const { number } = call;
      const isInRing = this.#answers.write(owner, task.task, name, number, slot, outcome);
      if (isInRing && !failed) owner.recent?.set(number, outcome.value);
      return;
    }
    const fits = failed || fitsWords(outcome.value);
    if (!fits) outbox.push({ type: "deposit", task: task.task, name, outcome });
    this.#calls.answer(call as LocalCall, fits ? outcome : undefined);
  }

  /** Calls begin now: those that look at this thread from outside see when. */
  #begins(): number {
    const now = wallTime();
    this.#began.set(now);
    return now;
  }

  /** Nobody wants the outcome of a call, which ends now if it runs here: its code is told. */
  cancel(id: TaskId, recursive: boolean): void {
    this.#cancelWhere(({ task }) => task === id, recursive);
  }

  #cancelWhere(isMeant: (task: Running) => boolean, recursive: boolean): void {
    for (const task of [...this.#awaiting, ...this.#standing]) {
      if (!isMeant(task)) continue;
      const failure = stopped(task.name);
      task.abort(toError(failure));
      this.#end(task, { failure });
      if (recursive) this.#options.client.cancelChildren(task.task);
    }
    queueMicrotask(() => {
      this.work();
      this.#answers.say();
    });
  }

  /** Calls of one function ended, or wait. */
  #account(callee: Callee, count: number, began: number): void {
    const each = (wallTime() - began) / count;
    this.#answers.journal.ended(began, each);
    callee.took(each);
  }

  /** Tells an owner what its calls take, when that is new. */
  #report(owner: Owner, callee: Callee): void {
    const { news } = callee;
    if (news < 0) return;
    this.#answers.tell(owner, resultKind.took, owner.callees.indexOf(callee), news);
  }

  /** The task waits for an object: others may run. */
  blocked(task: Running): void {
    this.#disengage(task);
    queueMicrotask(() => this.work());
  }

  resumed(task: Running): void {
    if (task.isAsync) this.#engage(task);
  }

  /** The thread is taken by what `task` awaits. */
  #engage(task: Running): void {
    if (task.engages) return;
    task.engages = true;
    this.occupy();
  }

  #disengage(task: Running): void {
    if (!task.engages) return;
    task.engages = false;
    this.#active -= 1;
  }

  /** The thread is taken by a task that goes on after it waited, or awaits something that is no object. */
  occupy(): void {
    this.#active += 1;
    // An owner may have woken nobody, as this thread was about to take the next calls; or it has woken this thread.
    let counted = this.#permit.quick && this.#calls.someoneIdles;
    this.#permit.quick = false;
    if (this.#rests) counted = this.#permit.resume();
    this.#rests = false;
    if (counted && this.#someWait) this.#options.outbox.push({ type: "taken" });
  }

  /** A task that occupied the thread, and was not from a board, has ended or waits again. */
  vacate(): void {
    this.#active -= 1;
    queueMicrotask(() => this.work());
  }

  /** Whether there may be calls on boards that nobody has. */
  get #someWait(): boolean {
    return this.#order.some(({ board }) => board.waiting > 0);
  }

  /** A call does not begin here. */
  #giveBack(owner: Owner, slot: number, kind: number): void {
    this.#answers.tell(owner, kind, numberOf(owner.board.words, owner.board.placeOf(slot)), slot);
  }

  /** Every task gets arguments of its own, also where they never left the thread. Undefined when one must be fetched first. */
  #unpack(stored: readonly ResolvedArgument[]): unknown[] | undefined {
    const { client } = this.#options;
    const args = new Array<unknown>(stored.length);
    for (let i = 0; i < stored.length; i++) {
      const argument = stored[i];
      if (!(argument instanceof StoredAt)) args[i] = client.unpack(argument);
      else {
        const found = client.find(argument.object);
        if (found === undefined) return undefined;
        args[i] = client.unpack(found);
      }
    }
    return args;
  }

  /**
   * Calls a function whose arguments the node has. Mostly they come at once, and the thread waits for them. Where a disk must be
   * read or they must be made again, others run meanwhile.
   */
  async #fetch(task: Running, args: readonly ResolvedArgument[], loaded: Loaded): Promise<unknown> {
    const { client } = this.#options;
    let values: readonly StoredValue[];
    let waits = false;
    const slow = setTimeout(() => {
      waits = true;
      this.#fetching += 1;
      task.blocked();
    }, fetchMilliseconds);
    try {
      values = await client.resolve(args);
    } catch (reason) {
      throw reason instanceof RayflightError ? new MissingArgument(reason) : reason;
    } finally {
      clearTimeout(slow);
      if (waits) {
        this.#fetching -= 1;
        task.resumed();
      }
    }
    return await loaded(...values.map((value) => client.unpack(value)));
  }

  #calleeOf(owner: Owner, slot: number): Callee {
    const { board, callees } = owner;
    const position = calleeOf(board.words, board.placeOf(slot));
    const known = callees[position];
    if (known !== undefined) return known;
    const learned = this.#learn(owner, position);
    callees[position] = learned;
    return learned;
  }

  /** What a call of this thread calls, if it is known here: because such a call was taken before, or by its code. */
  #ownCallee(position: number): Callee | undefined {
    const known = this.#own[position];
    if (known !== undefined) return known;
    const { loadedOf } = this.#options;
    const code = this.#calls.callees.codeOf(position);
    const loaded = code === undefined ? undefined : loadedOf(code);
    if (loaded === undefined) return undefined;
    const callee = new Callee(loaded);
    callee.name = this.#calls.callees.nameOf(position);
    this.#own[position] = callee;
    return callee;
  }

  #learn(owner: Owner, callee: number): Callee {
    this.#options.outbox.push({ type: "learn", owner: owner.id, callee });
    const learned: Callee = new Callee(
      owner.learn(callee).then(({ code, name }) => {
        learned.name = name;
        return this.#options.load(code);
      }),
    );
    return learned;
  }
}

/** Why an argument has no value, which is why the call has no result. */
class MissingArgument {
  readonly failure: Failure;

  constructor({ code, message, cause }: RayflightError) {
    this.failure = { code, message, hint: "", ...(cause !== undefined && { cause: describeThrown(cause) }) };
  }
}

/** A call that is running. */
class Running implements RunningTask {
  /** Whose board it is from; undefined for a call that this thread kept. */
  readonly owner: Owner | undefined;
  readonly slot: number;
  readonly call: CallFacts;
  readonly callee: Callee;
  readonly began: number;
  /** Whether it went on after its call returned, and whether the thread is taken by it then. */
  isAsync = false;
  engages = false;
  done = false;
  #waits = 0;
  /** Made when somebody asks for its signal, or cancels it. */
  #cancellable: Cancellable | undefined = undefined;
  readonly #runner: BoardRunner;

  constructor(
    runner: BoardRunner,
    owner: Owner | undefined,
    slot: number,
    call: CallFacts,
    callee: Callee,
    began: number,
  ) {
    this.#runner = runner;
    this.owner = owner;
    this.slot = slot;
    this.call = call;
    this.callee = callee;
    this.began = began;
  }

  get caller(): ClientId {
    return this.owner?.id ?? this.#runner.worker;
  }

  get task(): TaskId {
    return this.caller * 2 ** 32 + this.call.number;
  }

  get name(): string {
    return this.callee.name;
  }

  get gpuIds(): readonly number[] {
    return [];
  }

  get attempt(): number {
    return this.call.attempt;
  }

  get demand(): Demand {
    return oneCpu;
  }

  get cancelled(): RayflightError | undefined {
    return this.#cancellable?.cancelled;
  }

  get signal(): AbortSignal {
    this.#cancellable ??= new Cancellable();
    return this.#cancellable.signal;
  }

  abort(reason: RayflightError): void {
    this.#cancellable ??= new Cancellable();
    this.#cancellable.abort(reason);
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

  mayStop(): void {}

  stopped(): void {
    this.#runner.standStill(this);
  }

  wentOn(): void {
    this.#runner.goOn(this);
  }
}

function unfinished(name: string): RayflightError {
  return new RayflightError("FAILED_PRECONDITION", `getSync() ran ${name} in place, and that returned a promise.`, {
    hint: "Declare it async, so that it runs on another thread, or use `await get(ref)`.",
  });
}
