import type { ClientArguments } from "./client-arguments.js";
import type { ClientCodec } from "./client-codec.js";
import type { ClientObjects } from "./client-objects.js";
import { runningTask } from "./context.js";
import type { RemoteCode } from "./live.js";
import type { FilledTaskOptions } from "./options.js";
import type { Outbox } from "./outbox.js";
import { Dependency, type OwnArgument } from "./owner/dependency.js";
import type { OwnCallee } from "./owner/own-callees.js";
import type { ClientMessage } from "./protocol.js";
import { type CallArgument, ResultOf } from "./rings/words.js";
import type { TaskId } from "./scheduler/events.js";

export interface ClientNodeTasksOptions {
  readonly objects: ClientObjects;
  readonly codec: ClientCodec;
  readonly args: ClientArguments;
  readonly outbox: Outbox<ClientMessage>;
}

/** What the node is told of this thread's tasks: those that it is to run, and those that it could have to run again. */
export class ClientNodeTasks {
  readonly #options: ClientNodeTasksOptions;

  constructor(options: ClientNodeTasksOptions) {
    this.#options = options;
  }

  /** Submits a call that makes so many objects, numbered from its own number on. They are the node's. */
  submit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions, count: number): TaskId {
    const { objects, codec, outbox } = this.#options;
    const { name, demand, maxRetries, retryExceptions, returns } = options;
    const packed = this.#options.args.packForNode(name, args);
    const message = { code: codec.codeId(code), name, args: packed, demand, maxRetries, retryExceptions, returns };
    const task = objects.base + objects.takeNumbers(count);
    outbox.push({ type: "submit", task, ...message, parent: runningTask()?.task });
    this.#options.args.dropNamed();
    return task;
  }

  /** A call for the board goes through the node after all: something that it needs is there. */
  handOn(number: number, { code, options }: OwnCallee, own: readonly OwnArgument[], parent: TaskId): void {
    const { objects, codec, outbox } = this.#options;
    const { name, demand, maxRetries, retryExceptions } = options;
    const args = own.map((argument) => this.#options.args.forNode(argument));
    const task = objects.base + number;
    const message = { code: codec.codeId(code), name, args, demand, maxRetries, retryExceptions };
    outbox.push({ type: "submit", task, ...message, parent: parent || undefined });
  }

  /** The node has the result of a call from here; should it lose that, it can run the call again, if attempts are left. */
  explain(number: number, { code, options }: OwnCallee, attempt: number, own: readonly CallArgument[]): void {
    const { objects, codec, outbox } = this.#options;
    const { name, demand, maxRetries, retryExceptions } = options;
    if (maxRetries >= 0 && attempt > maxRetries) return;
    const args = own.map((argument) =>
      this.#options.args.forNode(argument instanceof ResultOf ? new Dependency(argument.number) : argument),
    );
    const left = maxRetries < 0 ? maxRetries : maxRetries - attempt + 1;
    const task = objects.base + number;
    const call = { task, code: codec.codeId(code), name, args, demand, maxRetries: left, retryExceptions };
    outbox.push({ type: "lineage", call });
  }
}
