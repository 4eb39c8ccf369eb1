import type { StoredValue } from "../../store/value.js";
import type { ObjectRef } from "../object-ref.js";

/** An argument that is the object of a reference and not at hand. */
export class Dependency {
  /** Its number where it is this thread's own, -1 where the node has it. */
  readonly number: number;
  /** Held until the call is sent. */
  readonly ref: ObjectRef | undefined;

  constructor(number: number, ref?: ObjectRef) {
    this.number = number;
    this.ref = ref;
  }
}

/** An argument as the thread has it that makes a call. */
export type OwnArgument = StoredValue | Dependency;
