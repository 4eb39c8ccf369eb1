import { types } from "node:util";
import { RayflightError } from "../error.js";
import { isPrimitive } from "../store/value-survey.js";
import { CallGroups } from "./call-groups.js";
import type { CallSource, IncomingCall } from "./caller-lines.js";
import { Cancellable } from "./cancellable.js";
import { wallTime } from "./clock.js";
import { mayGoOn } from "./closures/going-on.js";
import { type RunningTask, runAll, runAs, runUnfollowed } from "./context.js";
import { type Failure, taskFailure, toError } from "./failure.js";
import { cancelled, stopped } from "./host/reasons.js";
import { isThenable, packOutcome } from "./outcome.js";
import { Producer } from "./producer.js";
import type { Outcome, WorkerCommand } from "./protocol.js";
import { packReturns } from "./returns.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { ActorId, CodeId, TaskId } from "./scheduler/events.js";
import type { Demand } from "./scheduler/resources.js";
import { type UnderWay, underWay } from "./under-way.js";

type Construct = WorkerCommand & { type: "construct" };
type Call = WorkerCommand & { type: "call" };

/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;
/** Results are shown to their callers after so many calls at the latest. */
const sayAfter = 256;
/** Calls are timed one by one when they take longer than this. */
const shortMilliseconds = 0.02;

/** One actor on its thread. Calls of one caller start in the order in which they were made; those that await overlap. */
export class ActorRunner {
  readonly #construct: Construct;
  readonly #options: RunnerOptions;
  readonly #lines: CallSource;
  #instance: Record<string, unknown> | undefined;
  /** Calls that went on after they returned. */
  readonly #awaiting = new Map<TaskId, Awaiting>();
  /** Calls that were cancelled before they came. */
  readonly #withdrawn = new Set<TaskId>();
  readonly #groups: CallGroups;
  /** What a call took lately. */
  #milliseconds = Number.POSITIVE_INFINITY;
  #stopped = false;
  #halted = false;
  #working = false;
  #isAsync = false;
  #stops = 0;
  /** The actor's code that belongs to no call, as its constructor. */
  readonly #self: RunningCall;
  /**
   * Whether calls have seats, by which Node.js follows them through what they await. The only actor of a thread does without as
   * long as nothing tells that its calls go on after they return. Should one do so all the same, code without a seat is that
   * call's until it ends or is cancelled, and `#self`'s else; the calls after it have seats.
   */
  #follows: boolean;
  /** As which calls run that are not followed. */
  #unfollowed: RunningCall | undefined;
  /** When the calls began that ran since times were last told, and how many these are. */
  #began = 0;
  #ran = 0;

  constructor(
    construct: Construct,
    options: RunnerOptions,
    load: (code: CodeId) => Promise<Loaded> | Loaded,
    lines: CallSource,
  ) {
    this.#construct = construct;
    this.#options = options;
    this.#lines = lines;
    this.#groups = new CallGroups(construct.limits);
    this.#self = new RunningCall(construct, this);
    this.#follows = construct.shared || options.words === undefined;
    void this.#start(load);
  }

  call(call: Call): void {
    this.#lines.hold(call);
    this.work();
  }

  /** A call does not come whose place in its caller's order others wait for. */
  skip({ caller, sequence }: WorkerCommand & { type: "skip" }): void {
    this.#lines.skip(caller, sequence);
    this.work();
  }

  /** Begins no more calls, and says nothing more of those that go on: who made them is told by others. */
  halt(): void {
    this.#halted = true;
    this.#stopped = true;
    this.#instance = undefined;
    this.#unlist();
  }

  /** Begins no more calls: the actor is dead. What came by message is answered, since the node counts it. */
  stop(): void {
    this.#stopped = true;
    const failure: Failure = { code: "ACTOR_DIED", message: "The actor was killed.", hint: "" };
    for (const call of this.#groups.rest(this.#lines)) {
      if (call.line === undefined) this.#end(call, { failure }, wallTime());
    }
    this.#instance = undefined;
    this.#unlist();
  }

  /** What goes on of the actor's calls is nobody's any more, on a thread that lives on with others. */
  #unlist(): void {
    for (const { known } of this.#awaiting.values()) if (known !== undefined) underWay.delete(known);
  }

  /** Throws where a call must not stop this thread. */
  mayStop(name: string): void {
    const { className, shared } = this.#construct;
    if (shared) {
      throw new RayflightError(
        "FAILED_PRECONDITION",
        `getSync() in ${name} would hold up the other actors of its thread.`,
        { hint: 'Use `await get(ref)`, or do without `hosted: "shared"`.' },
      );
    }
    if (this.#groups.isSerial || (!this.#isAsync && !this.#groups.isUnderWay)) return;
    throw new RayflightError(
      "FAILED_PRECONDITION",
      `getSync() in ${name} would hold up other calls of ${className}, which has async methods.`,
      { hint: "Use `await get(ref)`, or give the actor maxConcurrency: 1." },
    );
  }

  standStill(task: TaskId): void {
    this.#stops += 1;
    this.#lines.answers.say();
    this.#options.outbox.push({ type: "stopped", task });
    this.#options.outbox.flush();
  }

  goOn(task: TaskId): void {
    this.#stops -= 1;
    this.#options.outbox.push({ type: "wentOn", task });
    // Calls have come meanwhile.
    queueMicrotask(() => this.work());
  }

  async #start(load: (code: CodeId) => Promise<Loaded> | Loaded): Promise<void> {
    const { actor, className, code, args } = this.#construct;
    const { client, outbox } = this.#options;
    try {
      const loading = load(code);
      const loaded = typeof loading === "function" ? loading : await loading;
      const target = loaded as unknown as new (...args: unknown[]) => Record<string, unknown>;
      this.#isAsync = hasAsyncMethods(target.prototype);
      this.#follows ||= this.#isAsync || mayGoOn(target);
      const values = args.map((argument) => client.unpack(argument));
      this.#lines.begins?.();
      if (!this.#follows) runUnfollowed(this.#self);
      const make = () => new target(...values);
      const instance = this.#follows ? runAs(this.#self, make) : make();
      this.#lines.rests?.();
      if (this.#stopped) return;
      this.#instance = instance;
      outbox.push({ type: "constructed", actor, failure: undefined });
      this.work();
    } catch (reason) {
      this.#lines.rests?.();
      if (this.#halted) return;
      outbox.push({ type: "constructed", actor, failure: taskFailure(`new ${className}()`, reason) });
    }
  }

  /** Starts calls as long as there are any and few enough are under way, for a short time. */
  work(): void {
    if (this.#working || this.#instance === undefined || this.#stops > 0) return;
    this.#working = true;
    this.#lines.begins?.();
    this.#began = wallTime();
    const until = this.#began + turnMilliseconds;
    for (;;) {
      const more = this.#follows ? this.#runFollowed() : this.#runUnfollowed();
      if (this.#ran > 0) this.#account();
      else if (more) this.#began = wallTime();
      this.#lines.answers.say();
      if (!more) break;
      if (this.#began > until) {
        setImmediate(() => this.work());
        break;
      }
    }
    this.#lines.rests?.();
    this.#working = false;
  }

  #runFollowed(): boolean {
    const running = new RunningCall(this.#construct, this);
    return runAll({ task: running }, () => this.#round(running));
  }

  #runUnfollowed(): boolean {
    this.#unfollowed ??= new RunningCall(this.#construct, this);
    runUnfollowed(this.#unfollowed);
    const more = this.#round(this.#unfollowed);
    if (!this.#follows) runUnfollowed(this.#self);
    return more;
  }

  /** Runs calls one after the other until one of them goes on after it returned, or for a while; returns whether there may be more. */
  #round(running: RunningCall): boolean {
    for (let i = 0; i < sayAfter; i++) {
      const call = this.#stopped ? undefined : this.#groups.next(this.#lines);
      if (call === undefined) {
        // What was cancelled and did not come now has ended before.
        if (this.#withdrawn.size > 0 && this.#groups.isDrained) this.#withdrawn.clear();
        return false;
      }
      if (this.#run(call, running, this.#began)) return true;
      this.#ran += 1;
      if (this.#milliseconds > shortMilliseconds) this.#account();
    }
    return true;
  }

  /** One clock reading serves all calls since the last time, where they are short. */
  #account(): void {
    const now = wallTime();
    this.#milliseconds = (now - this.#began) / this.#ran;
    this.#lines.answers.journal.ended(this.#began, this.#milliseconds);
    this.#began = now;
    this.#ran = 0;
  }

  /** Nobody wants the outcome of a call: it ends now if it awaits something, and is not begun if it is still to come. */
  cancel(task: TaskId, recursive: boolean): void {
    const call = this.#awaiting.get(task);
    if (call === undefined) this.#withdrawn.add(task);
    else {
      const failure = stopped(call.running.name);
      call.running.abort(toError(failure));
      this.#leave(call.running);
      call.producer?.stop();
      call.fail(failure);
      if (recursive) this.#options.client.cancelChildren(task);
    }
    this.work();
    this.#lines.answers.say();
  }

  /** Of a stream that a call makes: items before this one may be made. */
  raise(task: TaskId, limit: number): void {
    this.#awaiting.get(task)?.producer?.raise(limit);
  }

  /** The actor ends itself: what its calls have returned is said, nothing else. */
  exit(): never {
    if (!this.#stopped) {
      this.halt();
      this.#lines.answers.say();
      this.#options.outbox.push({ type: "exit", actor: this.#construct.actor });
      this.#options.outbox.flush();
    }
    throw new ActorExit();
  }

  /** Runs a call; returns whether it goes on after this returns. */
  #run(call: IncomingCall, running: RunningCall, began: number): boolean {
    const { codec } = this.#options.client;
    const { task, method, args } = call;
    const instance = this.#instance!;
    running.become(task, call.name);
    if (this.#withdrawn.size > 0 && this.#withdrawn.delete(task)) {
      this.#end(call, { failure: cancelled(running.name) }, began);
      return false;
    }
    call.order.begin(call);
    try {
      const values = new Array<unknown>(args.length);
      for (let i = 0; i < args.length; i++) values[i] = isPrimitive(args[i]) ? args[i] : codec.unpack(args[i]);
      const made = (instance[method] as Loaded).apply(instance, values);
      const producer = call.returns === undefined ? undefined : this.#producerOf(call, running);
      const result = producer === undefined ? made : producer.run(made as Iterator<unknown>);
      if (!isThenable(result)) {
        this.#finish(call, result, running, began);
        return false;
      }
      this.#follows = true;
      this.#groups.began(call.group);
      const { line, facts } = call;
      const known = facts && { call: facts, caller: line!.caller, began };
      if (known !== undefined) underWay.add(known);
      const settle = (end: () => void) => {
        // It may have been cancelled meanwhile.
        if (!this.#awaiting.delete(task)) return;
        this.#groups.ended(call.group);
        if (known !== undefined) underWay.delete(known);
        end();
        this.#lines.answers.journal.ended(began, wallTime() - began);
      };
      const fail = (failure: Failure) => settle(() => this.#end(call, { failure }, began));
      this.#awaiting.set(task, { running, producer, known, fail });
      result
        .then(
          (value) => settle(() => this.#finish(call, value, running, began)),
          (reason) => fail(taskFailure(running.name, reason)),
        )
        .then(() => {
          this.#leave(running);
          this.work();
          this.#lines.answers.say();
        });
      return true;
    } catch (reason) {
      this.#end(call, { failure: taskFailure(running.name, reason) }, began);
      return false;
    }
  }

  /** What goes on without a seat is from now on not this call's. */
  #leave(running: RunningTask): void {
    if (running === this.#unfollowed) runUnfollowed(this.#self);
  }

  #producerOf({ returns }: IncomingCall, running: RunningCall): Producer | undefined {
    if (returns === undefined || !("from" in returns)) return undefined;
    return new Producer(running, returns, this.#options);
  }

  /** A call has returned this. */
  #finish(call: IncomingCall, result: unknown, running: RunningCall, began: number): void {
    const { client } = this.#options;
    const { returns } = call;
    if (returns === undefined || !("count" in returns)) {
      this.#end(call, packOutcome(result, running, client), began);
      return;
    }
    const { outcome, more } = packReturns(result, returns.count, running, client);
    this.#end(call, outcome, began, more);
  }

  #end(call: IncomingCall, outcome: Outcome, began: number, more?: readonly Outcome[]): void {
    if (this.#halted) return;
    if (call.line !== undefined) {
      this.#lines.answers.answer(call, outcome, began);
      return;
    }
    const { outbox } = this.#options;
    outbox.push({ type: "done", task: call.task, outcome, milliseconds: wallTime() - began, ...(more && { more }) });
    // Should this thread end now, the call is not to run again.
    if (call.order.isNoted) outbox.flush();
  }
}

/** A call that went on after it returned. */
interface Awaiting {
  readonly running: RunningCall;
  readonly producer: Producer | undefined;
  /** As which it is listed, if it came by a ring. */
  readonly known: UnderWay | undefined;
  fail(failure: Failure): void;
}

/** Ends the code that called `exitActor`. Nobody else hears of it. */
class ActorExit extends Error {
  constructor() {
    super("exitActor() was called: the actor ends here.");
    this.name = "ActorExit";
  }
}

/** The call, or the constructor, that is running: one object for calls in a row, until one of them awaits and keeps it. */
class RunningCall extends Cancellable implements RunningTask {
  task: TaskId;
  name: string;
  readonly #construct: Construct;
  readonly #runner: ActorRunner;

  constructor(construct: Construct, runner: ActorRunner) {
    super();
    this.#construct = construct;
    this.#runner = runner;
    this.task = construct.actor;
    this.name = construct.className;
  }

  get actor(): ActorId {
    return this.#construct.actor;
  }

  /** It is this call from now on: a signal that an earlier one asked for is not this one's. */
  become(task: TaskId, name: string): void {
    this.task = task;
    this.name = name;
    this.controller = undefined;
  }

  exit(): never {
    return this.#runner.exit();
  }

  get gpuIds(): readonly number[] {
    return this.#construct.gpuIds;
  }

  get attempt(): number {
    return 1;
  }

  get demand(): Demand {
    return this.#construct.demand;
  }

  get wasReconstructed(): boolean {
    return this.#construct.life > 0;
  }

  /** An actor's thread is no worker that others could have meanwhile, so nobody needs to know when it waits. */
  blocked(): void {}

  resumed(): void {}

  mayStop(): void {
    this.#runner.mayStop(this.name);
  }

  stopped(): void {
    this.#runner.standStill(this.task);
  }

  wentOn(): void {
    this.#runner.goOn(this.task);
  }
}

/** Whether a class has async methods of its own or inherited ones. */
function hasAsyncMethods(prototype: object): boolean {
  for (let proto: object | null = prototype; proto !== null; proto = Object.getPrototypeOf(proto) as object | null) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(proto))) {
      if (types.isAsyncFunction(value)) return true;
    }
  }
  return false;
}
