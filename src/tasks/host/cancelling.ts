import type { ClientMessage } from "../protocol.js";
import type { ClientId, TaskId } from "../scheduler/events.js";
import type { ActorTable } from "./actor-table.js";
import type { BoardTable } from "./board-table.js";
import type { Turn } from "./decisions.js";
import type { Outgoing } from "./outgoing.js";
import type { ReturnsTable } from "./returns-table.js";
import type { TaskTable } from "./task-table.js";

/** Where the tasks may be that are to be cancelled. */
export interface CancellingParts {
  readonly tasks: TaskTable;
  readonly actors: ActorTable;
  readonly returns: ReturnsTable;
  readonly boards: BoardTable;
  readonly outgoing: Outgoing;
  readonly turn: Turn;
}

/** Cancels tasks, and what these submitted: tells whoever has them, be that the scheduler, a worker or the owner. */
export class Cancelling {
  readonly #parts: CancellingParts;

  constructor(parts: CancellingParts) {
    this.#parts = parts;
  }

  /** Cancels a task of the scheduler's, or one that only its owner and the worker which has it know. `client` asked for it. */
  cancel({ task: object, force, recursive, actor }: ClientMessage & { type: "cancel" }, client?: ClientId): void {
    const { tasks, actors, returns, boards, outgoing, turn } = this.#parts;
    const task = returns.taskOf(object);
    // What did not begin has submitted nothing.
    if (recursive && tasks.get(task)?.row.attempt !== 0) this.#cancelChildren(task, force);
    if (tasks.has(task)) {
      turn.note({ type: "cancel", task, force, recursive });
      return;
    }
    const worker = actor === undefined ? boards.workerOf(task) : actors.workerOf(actor);
    if (worker === undefined) {
      const owner = Math.floor(task / 2 ** 32);
      // The owner knows whether it is still to come.
      if (owner !== client && boards.has(owner)) outgoing.push(owner, { type: "cancelOwn", task, force, recursive });
    } else if (force && actor === undefined) turn.note({ type: "discard", worker });
    else outgoing.push(worker, { type: "cancel", task, recursive, actor });
  }

  /** Cancels what a task submitted, as far as that is known here; its thread knows the rest, and loses that if it is ended. */
  #cancelChildren(parent: TaskId, force: boolean): void {
    const { tasks, boards, turn } = this.#parts;
    for (const { type, task } of tasks.childrenOf(parent)) {
      this.cancel({ type: "cancel", task, force: force && type === "submit", recursive: true });
    }
    if (!force) return;
    for (const { task, worker } of boards.childrenOf(parent)) {
      this.#cancelChildren(task, true);
      if (worker !== undefined) turn.note({ type: "discard", worker });
    }
  }
}
