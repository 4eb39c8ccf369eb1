import { formatObjectId } from "../object-ref.js";
import type { ClientMessage } from "../protocol.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";
import { examineArguments } from "./arguments.js";
import type { Turn } from "./decisions.js";
import type { Lineage } from "./lineage.js";
import type { ObjectTable } from "./object-table.js";
import type { Outcomes } from "./outcomes.js";
import * as reasons from "./reasons.js";
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
    const { objects, tasks, returns } = this.#parts;
    tasks.add(client, message);
    if (message.returns !== undefined) {
      for (const part of returns.add(message.task, client, message.returns)) objects.expect(part, client);
    }
    this.#schedule(client, message);
  }

  /** The values of these objects are gone: makes them again, or says that they are lost. */
  lost(objects: readonly ObjectId[], why?: string): void {
    const { objects: table, tasks, lineage, outcomes } = this.#parts;
    const missing = objects.filter((id) => table.get(id)?.memory !== undefined);
    const { calls, hopeless } = lineage.plan(missing);
    for (const id of hopeless) outcomes.drop(id, reasons.objectLost(formatObjectId(id), why));
    const again = calls.map((call): [ClientId, Submitted] => [
      Math.floor(call.task / 2 ** 32),
      { type: "submit", ...call, parent: undefined },
    ]);
    // All at first: they may need each other.
    for (const [client, message] of again) tasks.add(client, message);
    for (const [client, message] of again) this.#schedule(client, message);
  }

  #schedule(client: ClientId, message: Submitted): void {
    const { objects, outcomes, turn } = this.#parts;
    const { task } = message;
    const { pending, failure } = examineArguments(objects, message.args);
    if (failure !== undefined) outcomes.settle(task, { failure });
    else if (message.type === "call") {
      const { actor, maxTaskRetries, place } = message;
      turn.note({ type: "call", task, actor, caller: client, maxTaskRetries, life: place?.life, pending });
    } else {
      const { code, demand, maxRetries } = message;
      turn.note({ type: "submit", task, code, demand, maxRetries, pending });
    }
  }
}
