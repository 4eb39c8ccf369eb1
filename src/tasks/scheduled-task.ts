import { Cancellable } from "./cancellable.js";
import { type RunningTask, runAs } from "./context.js";
import { taskFailure, toError } from "./failure.js";
import { stopped } from "./host/reasons.js";
import { isThenable, packOutcome } from "./outcome.js";
import { Producer } from "./producer.js";
import type { Outcome, WorkerCommand } from "./protocol.js";
import { packReturns } from "./returns.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { TaskId } from "./scheduler/events.js";
import type { Demand } from "./scheduler/resources.js";

export type Run = WorkerCommand & { type: "run" };

/** The thread's say in when tasks run. */
export interface Gate {
  /** The thread is taken by the task, or no more. */
  enter(): void;
  leave(): void;
  /** Others may run now. */
  next(): void;
  ended(task: TaskId): void;
  /** The task stops the thread to wait, and goes on. */
  stopped(task: TaskId): void;
  wentOn(task: TaskId): void;
}

/** A task that the node's scheduler gave to this thread, while it runs. */
export class ScheduledTask extends Cancellable implements RunningTask {
  readonly task: TaskId;
  readonly name: string;
  readonly gpuIds: readonly number[];
  readonly attempt: number;
  readonly demand: Demand;
  readonly #run: Run;
  readonly #options: RunnerOptions;
  readonly #gate: Gate;
  #began = 0;
  #waits = 0;
  #done = false;
  #occupies = false;
  #producer: Producer | undefined;

  constructor(run: Run, options: RunnerOptions, gate: Gate) {
    super();
    this.task = run.task;
    this.name = run.name;
    this.gpuIds = run.gpuIds;
    this.attempt = run.attempt;
    this.demand = run.demand;
    this.#run = run;
    this.#options = options;
    this.#gate = gate;
  }

  /** Begins; returns when the synchronous part ended. */
  start(loaded: Loaded | Promise<Loaded>): number {
    this.#gate.enter();
    this.#began = performance.now();
    const body = (loaded: Loaded) => runAs(this, () => this.#call(loaded));
    if (typeof loaded !== "function") return this.#later(loaded.then(body));
    try {
      const result = body(loaded);
      return isThenable(result) ? this.#later(result) : this.#succeed(result);
    } catch (reason) {
      return this.#fail(reason);
    }
  }

  blocked(): void {
    if (this.#waits++ > 0 || this.#done) return;
    this.#gate.leave();
    this.#vacate();
    this.#options.outbox.push({ type: "blocked", task: this.task });
    queueMicrotask(() => this.#gate.next());
  }

  resumed(): void {
    if (--this.#waits > 0 || this.#done) return;
    this.#gate.enter();
    this.#occupies = true;
    this.#options.others?.()?.occupy();
    this.#options.outbox.push({ type: "resumed", task: this.task });
  }

  mayStop(): void {}

  stopped(): void {
    this.#gate.stopped(this.task);
  }

  wentOn(): void {
    this.#gate.wentOn(this.task);
  }

  /** Nobody wants its outcome: it ends now, and its code is told. */
  cancel(recursive: boolean): void {
    if (this.#done) return;
    const failure = stopped(this.name);
    this.abort(toError(failure));
    this.#producer?.stop();
    this.#end({ failure });
    if (recursive) this.#options.client.cancelChildren(this.task);
    this.#gate.next();
  }

  /** Of a generator: items before this one may be made. */
  raise(limit: number): void {
    this.#producer?.raise(limit);
  }

  #call(loaded: Loaded): unknown {
    const { client } = this.#options;
    const { args, returns } = this.#run;
    const result = loaded(...args.map((argument) => client.unpack(argument)));
    if (returns === undefined || !("from" in returns)) return result;
    this.#producer = new Producer(this, returns, this.#options);
    return this.#producer.run(result as Iterator<unknown>);
  }

  #later(promise: PromiseLike<unknown>): number {
    const { awaiting } = this.#options.client;
    awaiting.add(this.task);
    promise
      .then(
        (result) => this.#succeed(result),
        (reason) => this.#fail(reason),
      )
      .then(() => {
        awaiting.delete(this.task);
        this.#gate.next();
      });
    return performance.now();
  }

  #succeed(result: unknown): number {
    const { returns } = this.#run;
    if (this.#done) return performance.now();
    if (returns === undefined || !("count" in returns)) {
      return this.#end(packOutcome(result, this, this.#options.client));
    }
    const { outcome, more } = packReturns(result, returns.count, this, this.#options.client);
    return this.#end(outcome, more);
  }

  #fail(reason: unknown): number {
    return this.#end({ failure: taskFailure(this.name, reason) });
  }

  #end(outcome: Outcome, more?: readonly Outcome[]): number {
    const now = performance.now();
    if (this.#done) return now;
    this.#done = true;
    this.#vacate();
    if (this.#waits === 0) this.#gate.leave();
    this.#gate.ended(this.task);
    const milliseconds = now - this.#began;
    this.#options.outbox.push({ type: "done", task: this.task, outcome, milliseconds, ...(more && { more }) });
    return now;
  }

  #vacate(): void {
    if (this.#occupies) this.#options.others?.()?.vacate();
    this.#occupies = false;
  }
}
