import type { Definition } from "../closures/definition.js";
import { codesIn } from "../live.js";
import type { CodeId, WorkerId } from "../scheduler/events.js";
import type { Outgoing } from "./outgoing.js";
import type { WorkerTable } from "./worker-table.js";

/** The functions and classes that were shipped; each worker gets a definition once, before what needs it. */
export class Definitions {
  readonly #workers: WorkerTable;
  readonly #outgoing: Outgoing;
  readonly #definitions = new Map<CodeId, Definition>();

  constructor(workers: WorkerTable, outgoing: Outgoing) {
    this.#workers = workers;
    this.#outgoing = outgoing;
  }

  has(code: CodeId): boolean {
    return this.#definitions.has(code);
  }

  add(code: CodeId, definition: Definition): void {
    this.#definitions.set(code, definition);
  }

  /** Sends a worker this code and what it captures, as far as it does not have them. */
  send(worker: WorkerId, code: CodeId): void {
    const definition = this.#definitions.get(code);
    if (definition === undefined || !this.#workers.needs(worker, code)) return;
    this.#outgoing.push(worker, { type: "define", code, definition });
    for (const captured of codesIn(definition.values)) this.send(worker, captured);
  }
}
