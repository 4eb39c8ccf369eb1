import type { StoredValue } from "../../store/value.js";
import type { ObjectRef } from "../object-ref.js";
import type { StoredAt } from "../rings/words.js";

/** An argument that is the object of a reference and not at hand. */
export class Dependency {
  /** Its number where it is this thread's own, -1 where the node has it. */
  readonly number: number;
  /** Held until the call is sent. */
  readonly ref: ObjectRef | undefined;
  /** Whether it was made for the call alone, which has a large argument: then it is released as soon as the call is sent. */
  readonly isOwn: boolean;

  constructor(number: number, ref?: ObjectRef, isOwn = false) {
    this.number = number;
    this.ref = ref;
    this.isOwn = isOwn;
  }
}

/** An argument as the thread has it that makes a call. */
export type OwnArgument = StoredValue | StoredAt | Dependency;
