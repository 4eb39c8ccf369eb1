import type { ActorId, ClientId, TaskId } from "./scheduler/events.js";

/** A call that has not ended. */
export interface ListedCall {
  readonly owner: ClientId;
  readonly number: number;
  readonly callee: number;
  /** 0 for none. */
  readonly parent: TaskId;
  /** Milliseconds since 1970. */
  readonly submitted: number;
  readonly attempt: number;
  /** 0 for none. */
  readonly actor: ActorId;
  /** When it began, in milliseconds since 1970; 0 when it did not. */
  readonly started: number;
}

const fields = 8;

/** Calls that have not ended, as the thread that knows of them lists them for somebody who asks: numbers only, as there may be a million. */
export class CallList {
  #numbers = new Float64Array(64 * fields);
  #length = 0;

  add({ owner, number, callee, parent, submitted, attempt, actor, started }: ListedCall): void {
    if (this.#length === this.#numbers.length) {
      const longer = new Float64Array(2 * this.#length);
      longer.set(this.#numbers);
      this.#numbers = longer;
    }
    this.#numbers.set([owner, number, callee, parent, submitted, attempt, actor, started], this.#length);
    this.#length += fields;
  }

  /** The list as it travels. */
  get numbers(): Float64Array {
    return this.#numbers.slice(0, this.#length);
  }
}

/** The calls of a list. */
export function* listedCalls(numbers: Float64Array): Iterable<ListedCall> {
  for (let at = 0; at < numbers.length; at += fields) {
    yield {
      owner: numbers[at]!,
      number: numbers[at + 1]!,
      callee: numbers[at + 2]!,
      parent: numbers[at + 3]!,
      submitted: numbers[at + 4]!,
      attempt: numbers[at + 5]!,
      actor: numbers[at + 6]!,
      started: numbers[at + 7]!,
    };
  }
}
