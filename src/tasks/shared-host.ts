import { ActorRunner } from "./actor-runner.js";
import { Answers } from "./answers.js";
import {
  CallerLine,
  type CallMessage,
  type CallOrder,
  CallOrders,
  type CallSource,
  callOf,
  type IncomingCall,
} from "./caller-lines.js";
import type { ActorCommand } from "./lone-actor.js";
import type { WorkerCommand } from "./protocol.js";
import { noteTenant } from "./rings/tenant.js";
import type { Loaded, RunnerOptions } from "./runner.js";
import type { ActorId, ClientId, CodeId, TaskId } from "./scheduler/events.js";
import { Queue } from "./scheduler/queue.js";

/** After this long the thread looks at its messages. */
const turnMilliseconds = 2;

interface Tenant {
  readonly actor: ActorId;
  /** How often the actor was made anew before. */
  readonly life: number;
  /** Whether others want to know how far its calls had begun, should this thread end. */
  readonly mustNote: boolean;
  readonly runner: ActorRunner;
  readonly calls: TenantCalls;
}

/**
 * A thread with many actors, which take turns. Each caller has one ring for all of them: calls are taken out of it as they come,
 * so that an actor which cannot start them holds up nobody else's.
 */
export class SharedHost {
  readonly #options: RunnerOptions;
  readonly #load: (code: CodeId) => Promise<Loaded> | Loaded;
  readonly #tenants = new Map<ActorId, Tenant>();
  readonly #lines: CallerLine[] = [];
  readonly #answers: Answers;
  readonly #words: Int32Array | undefined;
  /** Those that have got calls, in the order in which they are to run. */
  readonly #ready = new Set<Tenant>();
  #scheduled = false;

  constructor(options: RunnerOptions, load: (code: CodeId) => Promise<Loaded> | Loaded) {
    this.#options = options;
    this.#load = load;
    this.#answers = new Answers(options.outbox);
    if (options.words !== undefined) this.#words = new Int32Array(options.words);
    options.client.onRing(() => this.#work());
  }

  /** Makes an actor. */
  admit(construct: WorkerCommand & { type: "construct" }): void {
    const calls = new TenantCalls(this.#answers, (runs) => this.#note(runs ? construct.actor : undefined));
    const runner = new ActorRunner(construct, this.#options, this.#load, calls);
    const { actor, life, maxRestarts } = construct;
    this.#tenants.set(actor, { actor, life, mustNote: maxRestarts !== 0, runner, calls });
  }

  /** For the node, should this thread end now. */
  #note(actor: ActorId | undefined): void {
    if (this.#words !== undefined) noteTenant(this.#words, actor);
  }

  /** The thread stops. */
  halt(): void {
    for (const { runner } of this.#tenants.values()) runner.halt();
  }

  /** As `LoneActor` has it. */
  cancel(actor: ActorId, task: TaskId, recursive: boolean): void {
    this.#tenants.get(actor)?.runner.cancel(task, recursive);
  }

  raise(task: TaskId, limit: number): void {
    for (const { runner } of this.#tenants.values()) runner.raise(task, limit);
  }

  receive(command: ActorCommand): void {
    if (command.type === "call") this.#tenants.get(command.actor)?.runner.call(command);
    else if (command.type === "skip") this.#tenants.get(command.actor)?.runner.skip(command);
    else if (command.type === "evict") this.#evict(command);
    else if (command.type === "callerEnded") this.#end(command.caller);
    else {
      const { caller, rings, begun } = command;
      this.#tenants.get(command.actor)?.calls.noteIn(caller, begun);
      if (rings !== undefined) this.#lines.push(new CallerLine(caller, rings));
      this.#work();
    }
  }

  /** A caller's thread has ended: the calls that it made are run, and not answered. */
  #end(caller: ClientId): void {
    this.#work();
    const at = this.#lines.findIndex((line) => line.caller === caller);
    if (at < 0) return;
    this.#lines[at]!.hasEnded = true;
    this.#lines.splice(at, 1);
  }

  #evict({ actor, again }: WorkerCommand & { type: "evict" }): void {
    const tenant = this.#tenants.get(actor);
    this.#tenants.delete(actor);
    if (tenant === undefined) return;
    this.#ready.delete(tenant);
    if (!again) tenant.runner.stop();
    else {
      tenant.runner.halt();
      this.#answers.say();
      this.#options.outbox.push({ type: "evicted", actor });
    }
    // Its calls may have held up others.
    this.#work();
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
    for (const line of this.#lines) {
      const { caller } = line;
      for (let at = line.peek(); at >= 0; at = line.peek()) {
        const { actor, life } = line.methodAt(at);
        const tenant = this.#tenants.get(actor!);
        if (tenant === undefined || tenant.life !== life) {
          line.skip(at);
          continue;
        }
        const order = tenant.calls.orders.of(caller);
        // The message is under way that says where: a call that begins before would run twice, should this thread end.
        if (tenant.mustNote && !order.isNoted) break;
        const call = line.take(at, order);
        tenant.calls.receive(order, call.sequence, call);
        this.#ready.add(tenant);
      }
    }
  }
}

/** The calls to one of the actors, those of each caller in their order. */
class TenantCalls implements CallSource {
  readonly answers: Answers;
  readonly #note: (runs: boolean) => void;
  readonly #queue = new Queue<IncomingCall>();
  /** Which call of a caller is next, and those that came before their turn. */
  readonly orders = new CallOrders();

  /** `note` is told when the actor's code begins to run, and when it rests. */
  constructor(answers: Answers, note: (runs: boolean) => void) {
    this.answers = answers;
    this.#note = note;
  }

  begins(): void {
    this.#note(true);
  }

  rests(): void {
    this.#note(false);
  }

  noteIn(caller: ClientId, begun: SharedArrayBuffer | undefined): void {
    this.orders.of(caller).noteIn(begun);
  }

  /** Takes a call, or undefined in the place of one that never comes. */
  receive(order: CallOrder, sequence: number, call: IncomingCall | undefined): void {
    if (sequence === order.next && call !== undefined) {
      this.#queue.push(call);
      order.next += 1;
    } else order.held.set(sequence, call);
    if (order.held.size === 0) return;
    for (let next = order.takeHeld(); next !== undefined; next = order.takeHeld()) this.#queue.push(next);
  }

  hold(message: CallMessage): void {
    const order = this.orders.of(message.caller);
    this.receive(order, message.sequence, callOf(message, order));
  }

  skip(caller: ClientId, sequence: number): void {
    this.receive(this.orders.of(caller), sequence, undefined);
  }

  take(): IncomingCall | undefined {
    return this.#queue.shift();
  }
}
