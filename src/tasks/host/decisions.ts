import type { Instruction, SchedulerEvent } from "../scheduler/events.js";
import type { Scheduler } from "../scheduler/scheduler.js";
import type { Outgoing } from "./outgoing.js";

/** What the parts of a host tell the one that decides. */
export interface Turn {
  /** Notes what happened; it is decided on when the turn's work is done. */
  note(event: SchedulerEvent): void;
  /** Decides: at the end of a turn, and of whatever goes on later than in the turn in which it began. */
  work(): void;
  /** Whether the session is over: nothing is published then. */
  readonly isOver: boolean;
}

/** What happened and was not decided on yet: lets the scheduler decide until nothing follows, then sends what came of it. */
export class Decisions implements Turn {
  readonly #scheduler: Scheduler;
  readonly #outgoing: Outgoing;
  readonly #carryOut: (instruction: Instruction) => void;
  #events: SchedulerEvent[] = [];
  #over = false;

  constructor(scheduler: Scheduler, outgoing: Outgoing, carryOut: (instruction: Instruction) => void) {
    this.#scheduler = scheduler;
    this.#outgoing = outgoing;
    this.#carryOut = carryOut;
  }

  get isOver(): boolean {
    return this.#over;
  }

  note(event: SchedulerEvent): void {
    this.#events.push(event);
  }

  work(): void {
    while (this.#events.length > 0) {
      const events = this.#events;
      this.#events = [];
      for (const instruction of this.#scheduler.handle(events)) this.#carryOut(instruction);
    }
    this.#outgoing.flush();
  }

  end(): void {
    this.#over = true;
  }
}
