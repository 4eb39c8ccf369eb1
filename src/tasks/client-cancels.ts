import { RayflightError } from "../error.js";
import type { CancelOptions } from "./backend.js";
import type { ClientObjects } from "./client-objects.js";
import type { ClientReturns } from "./client-returns.js";
import type { RunningLocally } from "./local-calls.js";
import { ObjectRef } from "./object-ref.js";
import { ObjectRefGenerator } from "./object-ref-generator.js";
import type { Outbox } from "./outbox.js";
import type { OwnCalls } from "./owner/own-calls.js";
import { objectState } from "./owner/owned-objects.js";
import type { ClientMessage } from "./protocol.js";
import type { ObjectId, TaskId } from "./scheduler/events.js";

export interface ClientCancelsOptions {
  readonly objects: ClientObjects;
  readonly returns: ClientReturns;
  readonly outbox: Outbox<ClientMessage>;
  readonly calls: OwnCalls | undefined;
  /** What runs on this thread of the calls that it kept. */
  running(): RunningLocally | undefined;
}

/** Cancels calls: where they wait on this thread, where they run on it, or by the node where they are elsewhere. */
export class ClientCancels {
  readonly #options: ClientCancelsOptions;

  constructor(options: ClientCancelsOptions) {
    this.#options = options;
  }

  /** Throws INVALID_ARGUMENT where a call of an actor should be forced. */
  cancel(ref: ObjectRef | ObjectRefGenerator, options: Required<CancelOptions>): void {
    const { objects, returns } = this.#options;
    const isPrivate = ref instanceof ObjectRef && ref.isFirst;
    if (options.force && (returns.isOfActor(ref) || (isPrivate && objects.owned.isOfActor(ref.id - objects.base)))) {
      throw new RayflightError("INVALID_ARGUMENT", "cancel() got force for a call of an actor.", {
        hint: "Leave it out, or end the actor by kill().",
      });
    }
    if (ref instanceof ObjectRefGenerator) this.cancelMaker(ref.task, options);
    else {
      const number = objects.numberOf(ref);
      if (number < 0) this.cancelMaker(ref.id, options);
      else this.cancelOwn(number, options);
    }
  }

  /** Cancels the call that makes an object of the node's: here, where the node was not told of the call yet. */
  cancelMaker(object: ObjectId, options: Required<CancelOptions>): void {
    const { objects, returns, outbox } = this.#options;
    const call = returns.heldCallOf(object - objects.base);
    if (call === undefined) outbox.push({ type: "cancel", task: object, ...options });
    else this.cancelOwn(call, options);
  }

  /** What a task of this thread submitted is not wanted any more, nor what that submitted. */
  cancelChildren(parent: TaskId): void {
    for (const number of this.#options.calls?.childrenOf(parent) ?? []) {
      this.cancelOwn(number, { force: false, recursive: true });
    }
    this.#options.running()?.cancelChildren(parent);
  }

  /** Cancels a call of this thread, unless it has ended. */
  cancelOwn(number: number, options: Required<CancelOptions>): void {
    const { objects, outbox } = this.#options;
    const calls = this.#options.calls!;
    if (objects.owned.stateOf(number) !== objectState.pending) return;
    const task = objects.base + number;
    const actor = calls.lines.cancel(number);
    if (actor === true) return;
    if (actor !== undefined) {
      outbox.push({ type: "cancel", task, ...options, force: false, actor });
      return;
    }
    if (calls.cancel(number)) return;
    this.#options.running()?.cancel(task, options.recursive);
    if (objects.owned.stateOf(number) === objectState.pending) outbox.push({ type: "cancel", task, ...options });
  }
}
