import { formatObjectId } from "../object-ref.js";
import type { ClientMessage } from "../protocol.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";
import { examineArguments } from "./arguments.js";
import type { Turn } from "./decisions.js";
import type { Lineage } from "./lineage.js";
import type { ObjectTable } from "./object-table.js";
import type { Outcomes } from "./outcomes.js";
import * as reasons from "./reasons.js";
import { retriesLeft, type TaskRecord } from "./records.js";
import type { ReturnsTable } from "./returns-table.js";
import type { TaskTable } from "./task-table.js";

type Submitted = ClientMessage & { type: "submit" | "call" };

/** What submitting is about. */
export interface SubmittingParts {
  readonly objects: ObjectTable;
  readonly tasks: TaskTable;
  readonly returns: ReturnsTable;
  readonly lineage: Lineage;
  readonly outcomes: Outcomes;
  readonly turn: Turn;
}

/**
 * Brings tasks and calls to the scheduler, or to their end where an argument failed: those that threads submit, and those
 * that are run again because the values which they made were lost.
 */
export class Submitting {
  readonly #parts: SubmittingParts;

  constructor(parts: SubmittingParts) {
    this.#parts = parts;
  }

  submit(client: ClientId, message: Submitted): void {
    const { record, makes } = this.#add(client, message);
    for (const object of makes) this.#parts.objects.expect(object, client);
    this.schedule(record);
  }

  /** The values of these objects are gone: makes them again, or says that they are lost. */
  lost(objects: readonly ObjectId[], why?: string): void {
    const { objects: table, tasks, returns, lineage, outcomes } = this.#parts;
    const missing = objects.filter((id) => table.get(id)?.memory !== undefined);
    const { reruns, hopeless } = lineage.plan(missing, (task) => tasks.has(task));
    for (const id of hopeless) outcomes.drop(id, reasons.objectLost(formatObjectId(id), why));
    const again = reruns.map(({ call, items }): [ClientId, Submitted] => {
      const message = { type: "submit" as const, ...call, parent: undefined };
      // Its stream may be under way still: what it makes once more, a task of its own does.
      const submitted = items === undefined ? message : { ...message, task: returns.again(items), returns: undefined };
      return [Math.floor(submitted.task / 2 ** 32), submitted];
    });
    // All at first: they may need each other.
    const records = again.map(([client, message]) => this.#add(client, message).record);
    for (const record of records) this.schedule(record);
  }

  #add(client: ClientId, message: Submitted): { record: TaskRecord; makes: ObjectId[] } {
    const { tasks, returns } = this.#parts;
    const { task } = message;
    const makes = message.returns === undefined ? [task] : [task, ...returns.add(task, client, message.returns)];
    return { record: tasks.add(client, message), makes };
  }

  /** Has a task wait for its arguments and then for a thread, with the tries that it has left. */
  schedule({ client, message, row }: TaskRecord): void {
    const { objects, outcomes, turn } = this.#parts;
    const { task } = message;
    const { pending, failure } = examineArguments(objects, message.args);
    if (failure !== undefined) outcomes.settle(task, { failure });
    else if (message.type === "call") {
      const { actor, maxTaskRetries, place } = message;
      turn.note({ type: "call", task, actor, caller: client, maxTaskRetries, life: place?.life, pending });
    } else {
      const { code, demand } = message;
      const maxRetries = retriesLeft(message, row.attempt);
      turn.note({ type: "submit", task, code, demand, maxRetries, pending });
    }
  }
}
