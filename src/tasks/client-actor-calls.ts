import type { MethodTarget } from "./actor-handle.js";
import type { ClientArguments } from "./client-arguments.js";
import type { ClientObjects } from "./client-objects.js";
import { type ClientReturns, objectsOf } from "./client-returns.js";
import { runningTask } from "./context.js";
import type { ObjectRef } from "./object-ref.js";
import type { ObjectRefGenerator } from "./object-ref-generator.js";
import type { Outbox } from "./outbox.js";
import type { LineCall } from "./owner/actor-lines.js";
import type { OwnCalls } from "./owner/own-calls.js";
import type { PendingCalls } from "./pending-calls.js";
import type { ClientMessage } from "./protocol.js";
import type { Returns } from "./returns.js";
import type { ActorId, TaskId } from "./scheduler/events.js";

export interface ClientActorCallsOptions {
  readonly objects: ClientObjects;
  readonly args: ClientArguments;
  readonly returns: ClientReturns;
  readonly pending: PendingCalls;
  readonly outbox: Outbox<ClientMessage>;
  /** Absent where there are no lines: then all goes by message. */
  readonly calls: OwnCalls | undefined;
}

/** The calls that this thread makes of actors' methods: by the actor's line, or by message where there are none. */
export class ClientActorCalls {
  readonly #objects: ClientObjects;
  readonly #args: ClientArguments;
  readonly #returns: ClientReturns;
  readonly #pending: PendingCalls;
  readonly #outbox: Outbox<ClientMessage>;
  readonly #calls: OwnCalls | undefined;

  constructor({ objects, args, returns, pending, outbox, calls }: ClientActorCallsOptions) {
    this.#objects = objects;
    this.#args = args;
    this.#returns = returns;
    this.#pending = pending;
    this.#outbox = outbox;
    this.#calls = calls;
  }

  call(target: MethodTarget, args: readonly unknown[]): ObjectRef {
    const calls = this.#calls;
    if (target.maxPendingCalls > 0) this.#pending.check(target);
    if (calls === undefined) {
      const ref = this.#objects.borrow(this.#callByMessage(target, args, 1));
      this.#returns.noteActor(ref);
      return ref;
    }
    const call = this.#lineCall(calls, target, args, 1);
    const ref = this.#objects.open(call.number, true);
    calls.lines.call(call);
    return ref;
  }

  /** A call that makes several objects or a stream of them. */
  callReturning(
    target: MethodTarget & { returns: Returns },
    args: readonly unknown[],
  ): ObjectRef[] | ObjectRefGenerator {
    const calls = this.#calls;
    const count = objectsOf(target.returns);
    if (target.maxPendingCalls > 0) this.#pending.check(target);
    if (calls === undefined) return this.#returns.giveOfActor(this.#callByMessage(target, args, count), target.returns);
    const { base, owned } = this.#objects;
    const call = this.#lineCall(calls, target, args, count);
    const numbers = Array.from({ length: count }, (_, i) => call.number + i);
    for (const number of numbers) {
      owned.add(number, true);
      this.#objects.shareNumber(number);
    }
    const returned = this.#returns.giveOfActor(base + call.number, target.returns);
    this.#returns.hold(call.number, count);
    calls.lines.call(call);
    // They are asked for at the node: this thread keeps them only until it has told the node of them.
    for (const number of numbers) owned.release(number);
    return returned;
  }

  /** A call for a line goes through the node after all; where the actor may restart, the node says when it has ended. */
  handOn(call: LineCall, life: number, mayRestart: boolean): void {
    const { actor, number, name, method, group, args, retriesLeft: maxTaskRetries, sequence, returns } = call;
    const packed = args.map((argument) => this.#args.forNode(argument));
    const parent = call.parent || undefined;
    const tell = mayRestart || this.#pending.has(number);
    const task = this.#objects.base + number;
    const place = { life, sequence };
    const what = { task, actor, name, method, group, args: packed, returns };
    this.#outbox.push({ type: "call", ...what, maxTaskRetries, tell, parent, place });
    this.#args.dropOwn(args);
  }

  /** Tells the node the places, in a new life of the actor, of calls that it has. */
  place(actor: ActorId, life: number, calls: readonly LineCall[]): void {
    const places = calls.map(({ number, sequence }) => [this.#objects.base + number, sequence] as const);
    this.#outbox.push({ type: "placed", actor, life, calls: places });
  }

  /** A call that makes so many objects, numbered from its own number on. */
  #lineCall(calls: OwnCalls, target: MethodTarget, args: readonly unknown[], objects: number): LineCall {
    const { actor, method, group, maxTaskRetries, maxPendingCalls, returns } = target;
    const { callee, name } = calls.callees.ofMethod(target);
    // First, as packing may give numbers.
    const own = this.#args.packForLine(name, args);
    const number = this.#objects.takeNumbers(objects);
    if (maxPendingCalls > 0) this.#pending.begin(number, actor);
    return {
      actor,
      number,
      callee,
      name,
      method,
      group,
      args: own,
      origin: this.#args.areCounted ? args : undefined,
      parent: runningTask()?.task ?? 0,
      submitted: calls.now,
      retriesLeft: maxTaskRetries,
      attempt: 0,
      sequence: -1,
      returns,
    };
  }

  /** Calls where there are no lines; returns the task. */
  #callByMessage(target: MethodTarget, args: readonly unknown[], objects: number): TaskId {
    const { actor, method, name, group, maxTaskRetries, maxPendingCalls, returns } = target;
    const packed = this.#args.packForNode(name, args);
    const number = this.#objects.takeNumbers(objects);
    const task = this.#objects.base + number;
    const tell = maxPendingCalls > 0;
    if (tell) this.#pending.begin(number, actor);
    const parent = runningTask()?.task;
    const what = { task, actor, name, method, group, args: packed, returns };
    this.#outbox.push({ type: "call", ...what, maxTaskRetries, tell, parent });
    this.#args.dropNamed();
    return task;
  }
}
