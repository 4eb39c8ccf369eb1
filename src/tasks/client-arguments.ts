import { isShared } from "../store/value.js";
import { isPrimitive } from "../store/value-survey.js";
import type { ClientCodec } from "./client-codec.js";
import type { ClientObjects } from "./client-objects.js";
import { ObjectRef } from "./object-ref.js";
import { Dependency, type OwnArgument } from "./owner/dependency.js";
import type { HeldObjects } from "./owner/held-objects.js";
import { objectState } from "./owner/owned-objects.js";
import type { Argument } from "./protocol.js";
import { fitsWords, StoredAt } from "./rings/words.js";
import type { ObjectId } from "./scheduler/events.js";

/** An object at the node that arguments name; an own one was put for them alone. */
interface Named {
  readonly id: ObjectId;
  readonly ref: ObjectRef;
  readonly isOwn: boolean;
}

/**
 * Packs the arguments of calls, at once, for each of the ways that calls go: by a board, by an actor's line, through the
 * node. Large ones are given to the node and travel as references. It keeps what the arguments name that were packed
 * last, until their call is sent (`dropNamed`) or has taken a hold of it (`holdNamed`).
 */
export class ClientArguments {
  readonly #objects: ClientObjects;
  readonly #codec: ClientCodec;
  readonly #held: HeldObjects;
  readonly #named: Named[] = [];
  #depends = false;
  #isCounted = false;

  constructor(objects: ClientObjects, codec: ClientCodec, held: HeldObjects) {
    this.#objects = objects;
    this.#codec = codec;
    this.#held = held;
  }

  /** Whether one of the arguments that were packed last, for a board, is a `Dependency`. */
  get depend(): boolean {
    return this.#depends;
  }

  /** Whether something inside of the arguments that were packed last, for a line, is counted. */
  get areCounted(): boolean {
    return this.#isCounted;
  }

  /** Of a call for a board; undefined when it must go through the node. */
  packForBoard(name: string, args: readonly unknown[]): OwnArgument[] | undefined {
    const stored = new Array<OwnArgument>(args.length);
    this.dropNamed();
    this.#depends = false;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (isPrimitive(argument)) stored[i] = argument;
      else if (argument instanceof ObjectRef) {
        const { owned, refs } = this.#objects;
        const number = this.#objects.numberOf(argument);
        if (number < 0) {
          if (!refs.isMade(argument.id)) return undefined;
          this.#named.push({ id: argument.id, ref: argument, isOwn: false });
          stored[i] = new StoredAt(argument.id);
        } else if (owned.stateOf(number) === objectState.value) stored[i] = owned.valueOf(number);
        else {
          stored[i] = new Dependency(number);
          this.#depends = true;
        }
      } else {
        const packed = this.#codec.pack(argument, `Argument ${i + 1} of ${name}`);
        if (isPrimitive(packed) || fitsWords(packed)) stored[i] = packed;
        else if (isShared(packed)) {
          const ref = this.#objects.give(packed);
          this.#named.push({ id: ref.id, ref, isOwn: true });
          stored[i] = new StoredAt(ref.id);
        } else return undefined;
      }
    }
    return stored;
  }

  /** Of a call of a method. What only the node can bring stays a dependency. */
  packForLine(name: string, args: readonly unknown[]): OwnArgument[] {
    this.#isCounted = false;
    return args.map((argument, i) => {
      if (isPrimitive(argument)) return argument;
      if (!(argument instanceof ObjectRef)) {
        const packed = this.#codec.pack(argument, `Argument ${i + 1} of ${name}`);
        this.#isCounted ||= !isPrimitive(packed) && packed.handles !== undefined;
        return isPrimitive(packed) || !isShared(packed) ? packed : new Dependency(-1, this.#objects.give(packed), true);
      }
      const { owned } = this.#objects;
      const number = this.#objects.numberOf(argument);
      if (number < 0) return new Dependency(-1, argument);
      return owned.stateOf(number) === objectState.value ? owned.valueOf(number) : new Dependency(number, argument);
    });
  }

  /** Of a call through the node: references are shared. */
  packForNode(name: string, args: readonly unknown[]): Argument[] {
    this.dropNamed();
    return args.map((argument, i) => {
      if (argument instanceof ObjectRef) return { ref: this.#objects.share(argument) };
      const packed = this.#codec.pack(argument, `Argument ${i + 1} of ${name}`);
      if (isPrimitive(packed) || !isShared(packed)) return packed;
      const ref = this.#objects.give(packed);
      this.#named.push({ id: ref.id, ref, isOwn: true });
      return { ref: ref.id };
    });
  }

  /** An argument that was packed for a board or a line, of a call that goes through the node after all. */
  forNode(argument: OwnArgument): Argument {
    if (argument instanceof StoredAt) return { ref: argument.object };
    if (!(argument instanceof Dependency)) return argument;
    if (argument.number < 0) return { ref: argument.ref!.id };
    this.#objects.shareNumber(argument.number);
    return { ref: this.#objects.base + argument.number };
  }

  /** Objects that the arguments name which were packed last are held until the call with this number has ended. */
  holdNamed(call: number): void {
    if (this.#named.length === 0) return;
    const named = this.#named.splice(0);
    this.#held.hold(
      call,
      named.map(({ id }) => id),
    );
    for (const { isOwn, ref } of named) if (isOwn) this.#objects.refs.release(ref);
  }

  /** An argument of a call is an object of this thread that the node has; it is held until the call has ended. */
  hold(call: number, number: number): StoredAt {
    const object = this.#objects.base + number;
    this.#held.hold(call, [object]);
    return new StoredAt(object);
  }

  /** What was put for the arguments that were packed last is the node's affair: their call is sent, or never will be. */
  dropNamed(): void {
    if (this.#named.length === 0) return;
    for (const { ref, isOwn } of this.#named.splice(0)) if (isOwn) this.#objects.refs.release(ref);
  }

  /** The same, of the arguments of a call for a line. */
  dropOwn(args: readonly OwnArgument[]): void {
    for (const argument of args)
      if (argument instanceof Dependency && argument.isOwn) this.#objects.refs.release(argument.ref!);
  }
}
