import { CallerLines, type IncomingCall } from "./caller-lines.js";
import { type RunningTask, runAll, runAs, type TaskSeat } from "./context.js";
import { taskFailure } from "./failure.js";
import { isThenable, packOutcome } from "./outcome.js";
import type { Outcome, WorkerCommand } from "./protocol.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { CodeId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";

type Construct = WorkerCommand & { type: "construct" };
type Call = WorkerCommand & { type: "call" };

/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;
/** Results are shown to their callers after so many calls at the latest. */
const sayAfter = 256;

/** One actor in its worker. Calls of one caller start in the order in which they were made; those that await overlap. */
export class ActorRunner {
  readonly #construct: Construct;
  readonly #options: RunnerOptions;
  /** Calls that came by message, from where there are no rings. */
  readonly #calls = new Queue<Call>();
  readonly #lines: CallerLines;
  #instance: Record<string, unknown> | undefined;
  #underWay = 0;
  #working = false;

  constructor(construct: Construct, options: RunnerOptions, load: (code: CodeId) => Promise<Loaded>) {
    this.#construct = construct;
    this.#options = options;
    this.#lines = new CallerLines(options.outbox);
    options.client.onRing(() => this.#work());
    void this.#start(load);
  }

  call(call: Call): void {
    if (call.sequence === undefined) this.#calls.push(call);
    else this.#lines.hold(call);
    this.#work();
  }

  /** A thread that calls by a ring. */
  meet(caller: WorkerCommand & { type: "caller" }): void {
    this.#lines.add(caller);
    this.#work();
  }

  async #start(load: (code: CodeId) => Promise<Loaded>): Promise<void> {
    const { actor, className, code, args } = this.#construct;
    const { client, outbox } = this.#options;
    try {
      const target = (await load(code)) as unknown as new (...args: unknown[]) => Record<string, unknown>;
      const values = args.map((argument) => client.unpack(argument));
      this.#instance = runAs(this.#running(actor, className), () => new target(...values));
      outbox.push({ type: "constructed", actor, failure: undefined });
      this.#work();
    } catch (reason) {
      outbox.push({ type: "constructed", actor, failure: taskFailure(`new ${className}()`, reason) });
    }
  }

  /** Starts calls as long as there are any and few enough are under way. */
  #work(): void {
    if (this.#working || this.#instance === undefined) return;
    this.#working = true;
    const until = performance.now() + turnMilliseconds;
    let more = true;
    while (more) {
      // One clock reading serves all calls of a round.
      const began = Date.now();
      const seat: TaskSeat = { task: undefined };
      runAll(seat, () => {
        for (let i = 0; i < sayAfter; i++) {
          const call = this.#underWay < this.#construct.maxConcurrency ? this.#next() : undefined;
          if (call === undefined) {
            more = false;
            return;
          }
          if (this.#run(call, seat, began)) return;
        }
      });
      this.#lines.say();
      if (more && performance.now() > until) {
        setImmediate(() => this.#work());
        break;
      }
    }
    this.#working = false;
  }

  #next(): IncomingCall | undefined {
    const message = this.#calls.shift();
    if (message === undefined) return this.#lines.take();
    const { task, name, method, args } = message;
    return { task, name, method, args, line: undefined, facts: undefined };
  }

  /** Runs a call; returns whether it goes on after this returns. */
  #run(call: IncomingCall, seat: TaskSeat, began: number): boolean {
    const { client } = this.#options;
    const { task, method, args } = call;
    const instance = this.#instance!;
    const name = call.name ?? `${this.#construct.className}.${method}`;
    seat.task = this.#running(task, name);
    try {
      const values = args.map((argument) => client.unpack(argument));
      const result = (instance[method] as Loaded).call(instance, ...values);
      if (!isThenable(result)) {
        this.#end(call, packOutcome(result, name, client), began, began);
        return false;
      }
      this.#underWay += 1;
      const end = (outcome: Outcome) => {
        this.#underWay -= 1;
        this.#end(call, outcome, began, Date.now());
      };
      result
        .then(
          (value) => end(packOutcome(value, name, client)),
          (reason) => end({ failure: taskFailure(name, reason) }),
        )
        .then(() => {
          this.#work();
          this.#lines.say();
        });
      return true;
    } catch (reason) {
      this.#end(call, { failure: taskFailure(name, reason) }, began, began);
      return false;
    }
  }

  #end(call: IncomingCall, outcome: Outcome, began: number, ended: number): void {
    if (call.line !== undefined) this.#lines.answer(call, outcome, began, ended);
    else this.#options.outbox.push({ type: "done", task: call.task, outcome, milliseconds: ended - began });
  }

  /** An actor has its thread to itself, so nobody needs to know when it waits. */
  #running(task: number, name: string): RunningTask {
    const { actor, gpuIds } = this.#construct;
    return { task, actor, name, gpuIds, blocked: nothing, resumed: nothing };
  }
}

const nothing = () => {};
