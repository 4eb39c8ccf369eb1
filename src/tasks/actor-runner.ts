import { type RunningTask, runAs } from "./context.js";
import { taskFailure } from "./failure.js";
import { isThenable, packOutcome } from "./outcome.js";
import type { Outcome, WorkerCommand } from "./protocol.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { CodeId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";

type Construct = WorkerCommand & { type: "construct" };
type Call = WorkerCommand & { type: "call" };

/** One actor in its worker. Calls start in the order in which they arrive; those that await overlap. */
export class ActorRunner {
  readonly #construct: Construct;
  readonly #options: RunnerOptions;
  readonly #calls = new Queue<Call>();
  #instance: Record<string, unknown> | undefined;
  #underWay = 0;

  constructor(construct: Construct, options: RunnerOptions, load: (code: CodeId) => Promise<Loaded>) {
    this.#construct = construct;
    this.#options = options;
    void this.#start(load);
  }

  call(call: Call): void {
    this.#calls.push(call);
    this.#next();
  }

  async #start(load: (code: CodeId) => Promise<Loaded>): Promise<void> {
    const { actor, className, code, args } = this.#construct;
    const { client, outbox } = this.#options;
    try {
      const target = (await load(code)) as unknown as new (...args: unknown[]) => Record<string, unknown>;
      const values = args.map((argument) => client.unpack(argument));
      this.#instance = runAs(this.#running(actor, className), () => new target(...values));
      outbox.push({ type: "constructed", actor, failure: undefined });
      this.#next();
    } catch (reason) {
      outbox.push({ type: "constructed", actor, failure: taskFailure(`new ${className}()`, reason) });
    }
  }

  #next(): void {
    while (this.#instance !== undefined && this.#underWay < this.#construct.maxConcurrency) {
      const call = this.#calls.shift();
      if (call === undefined) return;
      this.#run(call, this.#instance);
    }
  }

  #run({ task, name, method, args }: Call, instance: Record<string, unknown>): void {
    this.#underWay += 1;
    const { client, outbox } = this.#options;
    const begin = performance.now();
    const end = (outcome: Outcome) => {
      this.#underWay -= 1;
      outbox.push({ type: "done", task, outcome, milliseconds: performance.now() - begin });
    };
    const succeed = (result: unknown) => end(packOutcome(result, name, client));
    const fail = (reason: unknown) => end({ failure: taskFailure(name, reason) });
    try {
      const values = args.map((argument) => client.unpack(argument));
      const result = runAs(this.#running(task, name), () => (instance[method] as Loaded).call(instance, ...values));
      if (isThenable(result)) result.then(succeed, fail).then(() => this.#next());
      else succeed(result);
    } catch (reason) {
      fail(reason);
    }
  }

  /** An actor has its thread to itself, so nobody needs to know when it waits. */
  #running(task: number, name: string): RunningTask {
    const { actor, gpuIds } = this.#construct;
    return { task, actor, name, gpuIds, blocked: () => {}, resumed: () => {} };
  }
}
