import { ActorRunner } from "./actor-runner.js";
import { Answers } from "./answers.js";
import { CallerLine, type CallMessage, type CallSource, type IncomingCall } from "./caller-lines.js";
import type { ActorCommand } from "./lone-actor.js";
import type { Outcome, WorkerCommand } from "./protocol.js";
import { calleeOf, numberOf, parentOf, readArguments, sequenceOf, submittedOf } from "./rings/records.js";
import { WordReader } from "./rings/words.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { ActorId, ClientId, CodeId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";

/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;

interface Tenant {
  readonly runner: ActorRunner;
  readonly calls: TenantCalls;
}

/** What a caller's calls name by a number: a method of one of the actors. */
interface Callee {
  readonly method: string;
  readonly actor: ActorId;
}

/**
 * A thread with many actors, which take turns. Each caller has one ring for all of them: calls are taken out of it as they come,
 * so that an actor which cannot start them holds up nobody else's.
 */
export class SharedHost {
  readonly #options: RunnerOptions;
  readonly #load: (code: CodeId) => Promise<Loaded>;
  readonly #tenants = new Map<ActorId, Tenant>();
  readonly #lines: { readonly line: CallerLine; readonly callees: Map<number, Callee> }[] = [];
  readonly #answers: Answers;
  readonly #reader = new WordReader();
  /** Those that have got calls, in the order in which they are to run. */
  readonly #ready = new Set<Tenant>();
  #scheduled = false;

  constructor(options: RunnerOptions, load: (code: CodeId) => Promise<Loaded>) {
    this.#options = options;
    this.#load = load;
    this.#answers = new Answers(options.outbox);
    options.client.onRing(() => this.#work());
  }

  /** Makes an actor. */
  admit(construct: WorkerCommand & { type: "construct" }): void {
    const calls = new TenantCalls(this.#answers);
    const runner = new ActorRunner(construct, this.#options, this.#load, calls);
    this.#tenants.set(construct.actor, { runner, calls });
  }

  receive(command: ActorCommand): void {
    if (command.type === "call") this.#tenants.get(command.actor)?.runner.call(command);
    else if (command.type === "evict") {
      const tenant = this.#tenants.get(command.actor);
      this.#tenants.delete(command.actor);
      tenant?.runner.stop();
    } else {
      this.#lines.push({ line: new CallerLine(command), callees: new Map() });
      this.#work();
    }
  }

  #work(): void {
    if (this.#scheduled) return;
    const until = performance.now() + turnMilliseconds;
    this.#sort();
    for (const tenant of this.#ready) {
      this.#ready.delete(tenant);
      tenant.runner.work();
      if (this.#ready.size === 0 || performance.now() < until) continue;
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#work();
      });
      return;
    }
  }

  /** Gives the calls that have come to the actors they are for. */
  #sort(): void {
    for (const { line, callees } of this.#lines) {
      const { calls, caller } = line;
      const { words } = calls;
      for (let at = calls.peek(); at >= 0; at = calls.peek()) {
        const args = readArguments(this.#reader, words, at);
        const calleeNumber = calleeOf(words, at);
        const sequence = sequenceOf(words, at);
        const number = numberOf(words, at);
        const [parent, submitted] = [parentOf(words, at), submittedOf(words, at)];
        calls.advance(at);
        if (sequence < 0) {
          callees.set(calleeNumber, { method: args[0] as string, actor: args[1] as ActorId });
          continue;
        }
        const { method, actor } = callees.get(calleeNumber)!;
        const tenant = this.#tenants.get(actor);
        if (tenant === undefined) continue;
        const facts = { number, calleeNumber, parent, submitted, attempt: 1 };
        const task = caller * 2 ** 32 + number;
        tenant.calls.receive(caller, sequence, { task, method, args, line, facts, name: undefined });
        this.#ready.add(tenant);
      }
      calls.release();
    }
  }
}

/** The calls to one of the actors, those of each caller in their order. */
class TenantCalls implements CallSource {
  readonly #answers: Answers;
  readonly #queue = new Queue<IncomingCall>();
  /** Which call of a caller is next, and those that came before their turn. */
  readonly #orders = new Map<ClientId, { next: number; readonly early: Map<number, IncomingCall> }>();

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  receive(caller: ClientId, sequence: number, call: IncomingCall): void {
    let order = this.#orders.get(caller);
    if (order === undefined) {
      order = { next: 0, early: new Map() };
      this.#orders.set(caller, order);
    }
    if (sequence !== order.next) {
      order.early.set(sequence, call);
      return;
    }
    let next: IncomingCall | undefined = call;
    do {
      this.#queue.push(next);
      order.early.delete(order.next);
      order.next += 1;
      next = order.early.get(order.next);
    } while (next !== undefined);
  }

  hold({ task, method, args, name, caller, sequence }: CallMessage): void {
    this.receive(caller, sequence!, { task, method, args, name, line: undefined, facts: undefined });
  }

  take(): IncomingCall | undefined {
    return this.#queue.shift();
  }

  answer(call: IncomingCall, outcome: Outcome, started: number): void {
    this.#answers.answer(call, outcome, started);
  }

  ended(began: number, each: number): void {
    this.#answers.ended(began, each);
  }

  say(): void {
    this.#answers.say();
  }
}
