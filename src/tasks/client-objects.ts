import { RayflightError } from "../error.js";
import type { StoredValue } from "../store/value.js";
import { LocalRefs } from "./client-refs.js";
import type { Failure } from "./failure.js";
import { ObjectRef, type RefOwner } from "./object-ref.js";
import type { Outbox } from "./outbox.js";
import { OwnedObjects, objectState } from "./owner/owned-objects.js";
import type { ClientMessage, Outcome } from "./protocol.js";
import type { ObjectId } from "./scheduler/events.js";

export interface ClientObjectsOptions {
  /** Whose the thread's references are. */
  readonly owner: RefOwner;
  readonly outbox: Outbox<ClientMessage>;
  /** What ids of this thread begin with. */
  readonly base: number;
  /** Hears of each failure that nobody asked for and nobody can ask for any more. */
  unread(failure: Failure): void;
}

/**
 * The objects that one thread refers to: those that it owns, by number, and those that the node has. It gives out the
 * thread's numbers, of objects, calls, actors and code alike, makes all references, and tells the node of an own object
 * as soon as somebody else may refer to it.
 */
export class ClientObjects {
  readonly base: number;
  readonly owned: OwnedObjects;
  readonly refs: LocalRefs;
  readonly #owner: RefOwner;
  readonly #outbox: Outbox<ClientMessage>;
  #lastNumber = 0;

  constructor({ owner, outbox, base, unread }: ClientObjectsOptions) {
    this.base = base;
    this.#owner = owner;
    this.#outbox = outbox;
    this.refs = new LocalRefs(outbox);
    this.owned = new OwnedObjects((number) => this.refs.drop(base + number), unread);
  }

  /** A number that nothing of this thread has yet. */
  takeNumber(): number {
    return ++this.#lastNumber;
  }

  /** The first of so many numbers in a row. */
  takeNumbers(count: number): number {
    const first = this.#lastNumber + 1;
    this.#lastNumber += count;
    return first;
  }

  /** The first reference to a new object of this thread, which is pending: a result of a task, or of an actor's call. */
  open(number: number, byActor = false): ObjectRef {
    const token = this.owned.add(number, byActor);
    return new ObjectRef(this.base + number, this.#owner, token);
  }

  /** Makes a value an object of this thread. */
  keep(value: StoredValue): ObjectRef {
    const number = this.takeNumber();
    const ref = this.open(number);
    this.owned.settle(number, objectState.value, value);
    return ref;
  }

  /** Gives the node a value that lies in shared memory, or that must be counted there. */
  give(value: StoredValue): ObjectRef {
    const object = this.base + this.takeNumber();
    this.#outbox.push({ type: "put", object, value });
    const ref = this.borrow(object);
    this.refs.made(object);
    return ref;
  }

  /** A reference to an object that the node has. */
  borrow(id: ObjectId): ObjectRef {
    const ref = new ObjectRef(id, this.#owner);
    this.refs.add(ref);
    return ref;
  }

  release(ref: ObjectRef): void {
    if (ref.isFirst) this.owned.release(ref.id - this.base);
    else this.refs.release(ref);
  }

  /** The number of an object that this thread owns and the node has not; -1 for any other. Throws for one that was released. */
  numberOf(ref: ObjectRef): number {
    if (!ref.belongsTo(this.#owner)) {
      throw new RayflightError("FAILED_PRECONDITION", `${ref} belongs to another session.`, {
        hint: "Use a reference in the session that made it.",
      });
    }
    if (ref.isFirst) {
      const number = ref.id - this.base;
      if (!this.owned.isReleased(number)) return this.owned.stateOf(number) === objectState.away ? -1 : number;
    } else if (this.refs.holds(ref)) return -1;
    throw new RayflightError("OBJECT_FREED", `${ref} was released.`, {
      hint: "Use it before its `using` scope ends.",
    });
  }

  /** The id of an object that the node has from now on. */
  share(ref: ObjectRef): ObjectId {
    const number = this.numberOf(ref);
    if (number >= 0) this.shareNumber(number);
    return ref.id;
  }

  /** As `share`, by number. Does nothing where there is no such object, or the node has it. */
  shareNumber(number: number): void {
    const state = this.owned.stateOf(number);
    if (this.owned.isShared(number) || state === objectState.none || state === objectState.away) return;
    const object = this.base + number;
    this.refs.count(object);
    this.#outbox.push({ type: "share", object, outcome: this.#outcomeOf(number) });
    this.owned.share(number);
  }

  /** A pending object has its outcome: the node gets it, too, if it knows the object. */
  settle(number: number, outcome: Outcome): void {
    const isShared = this.owned.isShared(number) && this.owned.stateOf(number) === objectState.pending;
    // First: with its outcome, an object is let go of that this thread has no reference to.
    if (isShared) this.#outbox.push({ type: "share", object: this.base + number, outcome });
    if ("value" in outcome) this.owned.settle(number, objectState.value, outcome.value);
    else this.owned.settle(number, objectState.failure, outcome.failure);
    if (isShared && this.owned.stateOf(number) !== objectState.none) this.owned.handOver(number);
  }

  /** The outcome of a pending object is with the node, or will be. */
  move(number: number): void {
    if (!this.owned.isShared(number)) {
      this.refs.count(this.base + number);
      this.#outbox.push({ type: "share", object: this.base + number, outcome: undefined });
    }
    this.owned.settle(number, objectState.away, undefined);
  }

  #outcomeOf(number: number): Outcome | undefined {
    const state = this.owned.stateOf(number);
    if (state === objectState.value) return { value: this.owned.valueOf(number) };
    return state === objectState.failure ? { failure: this.owned.failureOf(number) } : undefined;
  }
}
